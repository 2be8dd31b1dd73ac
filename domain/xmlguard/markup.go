package xmlguard

import (
	"bytes"

	"aval/domain"
)

// maxTag bounds one tag with its attributes, and one processing instruction, in bytes: encoding/xml
// makes a list of all attributes, much larger than their text, before anybody can count them.
const maxTag = 64 << 10

// scan refuses long tags before anything is parsed. What is not well-formed passes here, and is refused by the parser.
func scan(raw []byte) error {
	for {
		start := bytes.IndexByte(raw, '<')
		if start < 0 {
			return nil
		}
		raw = raw[start:]
		length := 0
		switch {
		case bytes.HasPrefix(raw, []byte("<!--")):
			length = bytes.Index(raw, []byte("-->"))
		case bytes.HasPrefix(raw, []byte("<![CDATA[")):
			length = bytes.Index(raw, []byte("]]>"))
		case bytes.HasPrefix(raw, []byte("<?")) && bytes.Contains(raw[:min(len(raw), maxTag)], []byte("?>")):
			length = bytes.Index(raw, []byte("?>"))
		default:
			if length = tagLength(raw[:min(len(raw), maxTag)]); length < 0 && len(raw) > maxTag {
				return domain.Refuse(domain.LimitExceeded, "document: a tag, limit %d bytes", maxTag)
			}
		}
		if length < 0 {
			return nil
		}
		raw = raw[max(length, 1):]
	}
}

// tagLength finds the '>' of a tag that no quote hides, or -1.
func tagLength(raw []byte) int {
	quote := byte(0)
	for i, c := range raw {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}
