a = "é" # z
bb = "e" # z
éé = 2 # z
e = 1
