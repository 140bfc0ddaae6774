a = <<EOT
EOT
b = <<-EOT
  EOT
c = 1 # x
dd = <<EOT
x
EOT
eee = 1 # y
