package probetest

import (
	"fmt"
	"reflect"
)

// SetEach puts a different value into each field of the structure that v points
// to, and into what its fields hold; slices get two elements.
func SetEach(v any) {
	next := 0
	setEach(reflect.ValueOf(v).Elem(), &next)
}

func setEach(v reflect.Value, next *int) {
	*next += 1_234_567
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			setEach(v.Field(i), next)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		setEach(v.Index(0), next)
		setEach(v.Index(1), next)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setEach(v.Elem(), next)
	case reflect.String:
		v.SetString(fmt.Sprint(*next))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(*next) / 7)
	default:
		v.SetInt(int64(*next))
	}
}
