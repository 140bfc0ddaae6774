a = [for x in - 1 : x]
b = [for x in y : -1]
c = { for x in y : x => - 1 }
d = [for x in y : x if - 1 == x]
e = in[0]
f = for[0]
g = [for in in in : in]
h = [for k, in in [0] : in]
