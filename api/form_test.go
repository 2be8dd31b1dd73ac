package api

import (
	"encoding/csv"
	"strings"
	"testing"
)

func TestPreferredForm(t *testing.T) {
	for header, want := range map[string]string{
		"": asJSON, "*/*": asJSON, "text/csv": asCSV, "TEXT/CSV; header=present": asCSV, "text/*": asCSV, "application/json": asJSON,
		"text/csv;q=0.5, application/json": asJSON, "application/json;q=0.5,text/csv": asCSV, "text/csv, */*": asJSON,
		"text/csv, */*;q=0.1": asCSV, "text/csv;q=0": asJSON, "text/html": asJSON, "text/csv;q=x": asJSON, ";;;": asJSON,
		strings.Repeat("a/b,", maxAcceptRanges) + "text/csv": asJSON,
	} {
		if got := preferred([]string{header}); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func FuzzPreferred(f *testing.F) {
	f.Add("text/csv;q=0.5, application/json")
	f.Fuzz(func(t *testing.T, header string) {
		if got := preferred([]string{header}); got != asCSV && got != asJSON {
			t.Fatal(got)
		}
	})
}

// A table's pages join up by their Link headers, as the JSON form's do by next.
func TestTablePagesJoinUp(t *testing.T) {
	h := open(t, nil)
	h.trade()
	for _, n := range []string{"10", "11", "12", "13"} {
		h.pay(n)
	}
	path, postings := "/v1/accounts/party:globex/statement?format=csv&limit=2", 0
	for pages := 0; path != ""; pages++ {
		a := h.want(200, request{path: path, token: h.token(h.globex)})
		if got := a.header.Get("Content-Type"); got != "text/csv; charset=utf-8; header=present" || pages > 9 {
			t.Fatalf("page %d: %s", pages, got)
		}
		rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || strings.Count(a.body, "\r\n") != len(rows) {
			t.Fatalf("%v: %q", err, a.body)
		}
		for _, row := range rows {
			if row[0] == "posting" {
				postings++
			}
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">; rel=\"next\"")
		path = next
	}
	if postings != 5 {
		t.Errorf("%d postings in tables, want 5", postings)
	}
}
