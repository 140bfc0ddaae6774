a   =    1
aaa = 2

b = 3
cc= 4 # x
# foo
dddd = 5
e = [
1,# one
22, # two

333, # three
]
f = 1 /* in */
gg = 2 /* in */ # out
