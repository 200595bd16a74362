package zoom

import (
	"encoding/json"
	"reflect"
	"strings"
)

// SettingsPaths are the members of a settings answer or event that are read.
func SettingsPaths() []string { return paths(reflect.TypeFor[settingsAnswer](), "") }

func paths(t reflect.Type, under string) (all []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return []string{strings.TrimPrefix(under, ".")}
	}
	for f := range t.Fields() {
		if name := f.Tag.Get("json"); name != "-" {
			all = append(all, paths(f.Type, under+"."+name)...)
		}
	}
	return all
}
