service "x" "yA\u00a0é" { a = 1 }
service "" {}
service "a" {

}
service "t\tn\nq\"b\\" "😀😀" {
}
