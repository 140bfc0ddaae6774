service "x" "y\u0041\u00a0é" { a = 1 }
service "" {}
service "a" {

}
service "t\tn\nq\"b\\" "😀\U0001F600" {
}
