package local

import (
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mustserv/library/source"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func itoa(i int) string { return strconv.Itoa(i) }

func sortedNames(infos []fs.FileInfo) string {
	var names []string
	for _, info := range infos {
		names = append(names, info.Name())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func read(t testing.TB, src source.Source, name string) (string, error) {
	file, err := src.Open(t.Context(), name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}
