a = "${foo("${bar}")}"
b = "${foo}${bar}"
c = "${foo} "
d = "${<<EOT
x
EOT
}"
e = "${"a"}"
f = "${foo["a"]}"
