module mustserv

go 1.26.0

require (
	github.com/BurntSushi/toml v1.6.0
	github.com/abema/go-mp4 v1.7.1
	github.com/fsnotify/fsnotify v1.10.1
	golang.org/x/term v0.47.0
	golang.org/x/text v0.31.0
	golang.org/x/time v0.16.0
)

require (
	github.com/google/uuid v1.1.2 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
