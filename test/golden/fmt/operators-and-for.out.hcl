x = [for x in [1] : x if x > -1]
y = { for k, v in { a = 1 } : k => v... }
z = a ? b : -c
w = !a && -b || c == -d
v = a.b[0].c[*].d.*.e
u = foo(1, 2...)
t = foo([1, 2], { a = 1, b : 2 })
s = a - 1
r = a - 1
q = (a)[0]
p = [1][0]
o = { a = 1 }
n = "x${ { a = 1 } }${1}y"
