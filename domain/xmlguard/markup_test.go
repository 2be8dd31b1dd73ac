package xmlguard_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/xmlguard"
)

// TestLongTagsAreRefusedBeforeTheyAreParsed: a million attributes would be a list of a hundred megabytes.
func TestLongTagsAreRefusedBeforeTheyAreParsed(t *testing.T) {
	wide := xmlguard.Limits{Bytes: 8 << 20, Depth: 4, Elements: 12, Attributes: 1 << 20, Text: 1 << 20}
	for name, c := range map[string]struct {
		raw     string
		refused bool
	}{
		"attributes":             {"<Paper " + strings.Repeat(`a="" `, 1<<20) + "/>", true},
		"a quote without end":    {`<Paper a="` + strings.Repeat(">", 1<<20), true},
		"an instruction":         {"<?" + strings.Repeat("a", 1<<20) + "?><Paper/>", true},
		"a long comment":         {"<!--" + strings.Repeat("<a '", 1<<18) + "--><Paper/>", false},
		"a long CDATA section":   {"<Paper><Id><![CDATA[" + strings.Repeat("<a '", 1<<17) + "]]></Id></Paper>", false},
		"a quote in a style":     {"<?style it's?><Paper>" + strings.Repeat(" ", 1<<20) + "</Paper>", false},
		"tags of the usual sort": {`<Paper a=">" b='"'>` + strings.Repeat(" ", 1<<20) + "</Paper>", false},
	} {
		raw := []byte(c.raw)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := xmlguard.Decode(raw, wide, &paper{})
		runtime.ReadMemStats(&after)
		var r *domain.Rejection
		if refused := errors.As(err, &r) && r.Code == domain.LimitExceeded; refused != c.refused || err != nil && !refused {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; c.refused && used > 64<<10 {
			t.Errorf("%s: %d bytes allocated", name, used)
		}
	}
}
