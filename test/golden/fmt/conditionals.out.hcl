a  = b ? c : d
a1 = b ? c : d
a2 = b
a3 = f(
  1,
  2
)
