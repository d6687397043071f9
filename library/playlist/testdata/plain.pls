[playlist]
File1=http://box:8080/media/Films/a.mp4
Title1=The Harbour
Length1=5400
File2=http://box:8080/media/Films/b%20c.mp3
Title2=Zoë & Co - Été
Length2=1
File3=http://box:8080/media/Films/%E6%98%A0.mkv
Title3=unmeasured
Length3=-1
NumberOfEntries=3
Version=2
