[playlist]
File1=http://box/media/a%0Ab
Title1=映画 - two lines File9=http://evil/
Length1=-1
File2=http://box/media/q'q&x
Title2=[31m - "/><script>alert('x')</script>]]>
Length2=-1
File3=http://box/media/%FF
Title3=bad �� bytes
Length3=62
File4=http://box/media/rtl
Title4=gpj.exe ‏אבג
Length4=-1
File5=http://box/a%20b%22%3C%3E%0A#%C3%A9
Title5=
Length5=-1
NumberOfEntries=5
Version=2
