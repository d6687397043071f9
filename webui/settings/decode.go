package settings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// decoder decodes key by key, so that one mistake does not hide the next.
type decoder struct {
	md       toml.MetaData
	manual   Manual
	mistakes []Mistake
}

func (d *decoder) wrong(key, format string, args ...any) {
	d.mistakes = append(d.mistakes, Mistake{Key: key, Text: fmt.Sprintf(format, args...)})
}

// table decodes the keys of a table into the fields of a struct.
func (d *decoder) table(keys map[string]toml.Primitive, into reflect.Value, path string) {
	fields := make(map[string]reflect.Value)
	for _, field := range keyed(into.Type()) {
		fields[field.Tag.Get("toml")] = into.FieldByIndex(field.Index)
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		full := strings.TrimPrefix(path+"."+key, ".")
		if field, ok := fields[key]; ok {
			d.value(keys[key], field, full)
			continue
		}
		d.wrong(full, "unknown key %q%s%s", key, inTable(path), d.manual.nearest(key, path, slices.Sorted(maps.Keys(fields))))
	}
}

// value decodes one key: a table, a list of blocks, or a value.
func (d *decoder) value(p toml.Primitive, into reflect.Value, path string) {
	switch {
	case isBlocks(into.Type()):
		var blocks []map[string]toml.Primitive
		if err := d.md.PrimitiveDecode(p, &blocks); err != nil {
			d.wrong(path, "%q must be blocks that begin with [[%s]]", path, path)
			return
		}
		list := reflect.MakeSlice(into.Type(), len(blocks), len(blocks))
		for i, block := range blocks {
			d.table(block, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
		into.Set(list)
	case into.Type() == reflect.TypeFor[time.Duration]():
		var text string
		err := d.md.PrimitiveDecode(p, &text)
		span, bad := time.ParseDuration(text)
		if err != nil || bad != nil {
			d.wrong(path, `%s must be a time with its unit, as "90s", "15m" or "6h"%s`, lastKey(path), d.manual.forExample(path))
			return
		}
		into.SetInt(int64(span))
	case into.Kind() == reflect.Struct:
		var keys map[string]toml.Primitive
		if err := d.md.PrimitiveDecode(p, &keys); err != nil {
			d.wrong(path, "%q must be a table: a line [%s], then its keys", path, path)
			return
		}
		d.table(keys, into, path)
	default:
		d.scalar(p, into, path)
	}
}

func (d *decoder) scalar(p toml.Primitive, into reflect.Value, path string) {
	err := d.md.PrimitiveDecode(p, into.Addr().Interface())
	if err == nil {
		return
	}
	if bad, ok := errors.AsType[toml.ParseError](err); ok { // from UnmarshalText, in our words
		d.wrong(path, "%s: %s", lastKey(path), bad.Message)
		return
	}
	kinds := map[reflect.Kind]string{
		reflect.Int: "a whole number", reflect.Float64: "a number", reflect.Bool: "true or false",
		reflect.String: `text in quotes`, reflect.Slice: `a list, as ["a", "b"]`,
	}
	d.wrong(path, "%s must be %s%s", lastKey(path), cmp.Or(kinds[into.Kind()], `text in quotes`), d.manual.forExample(path))
}

// keyed returns the fields of a table that are keys, with those of what it
// embeds.
func keyed(table reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(table), func(f reflect.StructField) bool { return f.Anonymous })
}

// isBlocks reports whether a field holds [[blocks]].
func isBlocks(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// blockNames returns the names of the [[blocks]] in a table.
func blockNames(table reflect.Type, path string) (names []string) {
	for _, field := range keyed(table) {
		name := strings.TrimPrefix(path+"."+field.Tag.Get("toml"), ".")
		if isBlocks(field.Type) {
			names = append(names, name)
		} else if field.Type.Kind() == reflect.Struct {
			names = append(names, blockNames(field.Type, name)...)
		}
	}
	return names
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func inTable(path string) string {
	if path == "" {
		return ""
	}
	if table, _, isBlock := strings.Cut(path, "["); isBlock {
		return " in [[" + table + "]]"
	}
	return " in [" + path + "]"
}
