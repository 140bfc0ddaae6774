x = <<EOT
 foo ${bar} %{if x} y %{endif~}
EOT
y = [<<-EOT
    a
    EOT
  , 1,
2]
z = f(<<EOT
a
EOT
)
