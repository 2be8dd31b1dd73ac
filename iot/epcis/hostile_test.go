package epcis_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"aval/iot/epcis"
)

// allocated is how many bytes a call takes from the heap in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Whatever comes, reading it costs no more than a fixed amount of memory.
func TestHostileDocumentsCostLittle(t *testing.T) {
	const most = 96 << 20
	fill := func(unit string) string { return strings.Repeat(unit, (epcis.MaxBytes-2_000)/len(unit)) }
	names := &strings.Builder{}
	for i := 0; names.Len() < epcis.MaxBytes-2_000; i++ {
		fmt.Fprintf(names, `,"urn:x:%d":"%d"`, i, i)
	}
	inside := func(extension string) string { return event("ObjectEvent", observed+extension) }
	for name, document := range map[string]string{
		"fifty megabytes":      strings.Repeat(" ", 50<<20),
		"nothing but brackets": fill("["),
		"objects in objects":   fill(`{"a":`),
		"many values":          "[" + fill("1,") + "1]",
		"many names":           inside(names.String()),
		"one long text":        inside(`,"urn:x:y":"` + fill("a") + `"`),
		"many escapes":         inside(`,"urn:x:y":"` + fill(`\u0041`) + `"`),
		"one long number":      inside(`,"sensorElementList":[{"sensorReport":[{"type":"Temperature","value":` + fill("9") + `}]}]`),
		"many contexts":        `{"@context":[` + fill(`{"a":"b:c"},`) + `{}],"type":"EPCISDocument"}`,
		"many EPCs":            inside(`,"sourceList":[` + fill(`{"type":"location","source":"urn:epc:id:sgln:4012345.00025.0"},`) + `{}]`),
		"dots":                 `[{"type":"ObjectEvent","eventTime":"2026-03-01T11:00:00Z","eventTimeZoneOffset":"+01:00","action":"OBSERVE","epcList":["urn:epc:id:sgtin:4012345` + strings.Repeat(".", 2_000) + `"]}]`,
		"nested extensions":    inside(`,"urn:x:y":` + strings.Repeat(`{"a":`, 28) + `"b"` + strings.Repeat("}", 28)),
		"half a document":      whole("ObjectEvent", observed)[:300],
		"a document of nulls":  "[" + strings.Repeat("null,", 400) + "null]",
		"an entity, as in XML": `<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`,
		"another encoding":     "\xff\xfe[\x00]\x00",
	} {
		cost := allocated(func() {
			if d, err := epcis.Parse([]byte(document)); err == nil {
				_, _ = d.Readings()
			}
			if d, err := epcis.ParseDCSA([]byte(document)); err == nil {
				_, _ = d.Readings()
			}
		})
		if cost > most+2*uint64(len(document)) {
			t.Errorf("%s: %d bytes", name, cost)
		}
		t.Logf("%s: %d KiB", name, cost>>10)
	}
}
