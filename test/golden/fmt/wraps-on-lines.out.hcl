a = foo
b = (foo ?
1 : 2)
c = foo # c

d = (
  foo
)
