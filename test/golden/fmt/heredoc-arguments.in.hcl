a = foo(
<<EOT
x
EOT
)
bb = foo(<<EOT
x
EOT
  , 1)
