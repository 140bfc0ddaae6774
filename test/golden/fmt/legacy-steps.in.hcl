a = x.0.y
b = x.*.y.0
c = x[*].y[0]
d = x . y
