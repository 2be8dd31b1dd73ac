package api

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// check validates a value, decoded with UseNumber, against a schema of the document. It
// knows the keywords of JSON Schema 2020-12 that the document uses; any other is an error,
// so that nothing goes unchecked in silence.
func (d *document) check(schema any, value any, at string) error {
	keywords, ok := schema.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: schema is %T", at, schema)
	}
	for keyword, want := range keywords {
		if err := d.keyword(keywords, keyword, want, value, at); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) keyword(schema map[string]any, keyword string, want, value any, at string) error {
	fail := func(why string) error { return fmt.Errorf("%s: %s: %s %v, value %.80v", at, why, keyword, want, value) }
	object, isObject := value.(map[string]any)
	list, isList := value.([]any)
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	switch keyword {
	case "description", "examples", "default", "contentEncoding":
	case "$ref":
		return d.check(d.resolve(want.(string)), value, at)
	case "type":
		if !hasType(want.(string), value) {
			return fail("type")
		}
	case "enum":
		if !slices.ContainsFunc(want.([]any), func(v any) bool { return v == value }) {
			return fail("not listed")
		}
	case "pattern":
		if isText && !regexp.MustCompile(want.(string)).MatchString(text) {
			return fail("no match")
		}
	case "minLength":
		if isText && utf8.RuneCountInString(text) < whole(want) {
			return fail("too short")
		}
	case "maxLength":
		if isText && utf8.RuneCountInString(text) > whole(want) {
			return fail("too long")
		}
	case "minimum":
		if isNumber && compare(number, want.(json.Number)) < 0 {
			return fail("too small")
		}
	case "maximum":
		if isNumber && compare(number, want.(json.Number)) > 0 {
			return fail("too large")
		}
	case "maxItems":
		if isList && len(list) > whole(want) {
			return fail("too many")
		}
	case "items":
		for i, item := range list {
			if err := d.check(want, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case "required":
		for _, name := range want.([]any) {
			if _, there := object[name.(string)]; isObject && !there {
				return fail("missing " + name.(string))
			}
		}
	case "dependentRequired":
		for name, others := range want.(map[string]any) {
			if _, there := object[name]; there {
				if err := d.keyword(schema, "required", others, value, at); err != nil {
					return err
				}
			}
		}
	case "properties":
		for name, member := range want.(map[string]any) {
			if v, there := object[name]; there {
				if err := d.check(member, v, at+"."+name); err != nil {
					return err
				}
			}
		}
	case "additionalProperties":
		if want != false {
			return fail("only false is known")
		}
		known, _ := schema["properties"].(map[string]any)
		for name := range object {
			if _, there := known[name]; !there {
				return fail("not in the schema: " + name)
			}
		}
	default:
		return fail("keyword is not known to this test")
	}
	return nil
}

func hasType(name string, value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return name == "object"
	case []any:
		return name == "array"
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case json.Number:
		return name == "number" || name == "integer" && !strings.ContainsAny(v.String(), ".eE")
	}
	return false
}

func compare(a, b json.Number) int {
	x, _ := new(big.Rat).SetString(a.String())
	y, _ := new(big.Rat).SetString(b.String())
	return x.Cmp(y)
}

func whole(n any) int {
	i, _ := n.(json.Number).Int64()
	return int(i)
}
