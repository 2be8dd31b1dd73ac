package contracttest

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

func TestScenarios(t *testing.T) { Scenarios(t, "testdata", pot{}) }

func TestScriptLinesThatCannotBeReadFail(t *testing.T) {
	b := New(t, pot{})
	b.Register("acme")
	for _, text := range []string{
		"party", "fund acme 5", "tell acme", "device d", "source s acme", "! malformed party acme",
		"1970-01-01T00:00:01Z acme pot/1/put P", "1970-01-01T00:00:01Z acme pot/1/put/P {", "1970-01-01T00:00:01+01:00 advance",
		`1970-01-01T00:00:01Z acme pot/1/put/P {"minor":"@noon"}`, "1970-01-01T00:00:01.0001Z advance",
		"1970-01-01T00:00:01Z observe d pot/1/P k 1 1", "1970-01-01T00:00:01Z observe d pot/1/P k x 1 flight {}",
		"1970-01-01T00:00:01Z observe d pot/1/P k 1 1 tea {}", "1970-01-01T00:00:01Z acme pot/1/take/P",
		"! malformed 1970-01-01T00:00:01Z acme pot/1/take/P", "! unknown-command 1970-01-01T00:00:01Z advance",
	} {
		if err := b.play(text); err == nil {
			t.Errorf("%q passed", text)
		}
	}
}

func TestGoldenPartsAreCompared(t *testing.T) {
	b := New(t, pot{})
	b.Register("acme")
	golden := b.golden()
	if err := compare(&txtar.Archive{Files: golden}, b.golden()); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`fund acme {"minor":7,"currency":"EUR"}`, `1970-01-01T00:00:01Z acme pot/1/put/P {"minor":7,"currency":"EUR"}`,
	} {
		if err := b.play(line); err != nil {
			t.Fatal(err)
		}
	}
	err := compare(&txtar.Archive{Files: golden}, b.golden())
	for _, name := range []string{"events", "postings", "balances", "statuses"} {
		if err == nil || !strings.Contains(err.Error(), name+" line 1") {
			t.Errorf("%s changed unseen: %v", name, err)
		}
	}
}
