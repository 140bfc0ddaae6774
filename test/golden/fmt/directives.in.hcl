a = "%{ if x }a%{else}b%{ endif }"
a1 = "%{ if {a=1}.a == 1 }a%{else}b%{ endif }"
a2 = "%{~ for x in [1] ~}${x}%{ endfor ~}"
