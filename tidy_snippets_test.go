package aval_test

import (
	"go/ast"
	"go/importer"
	"go/types"
	"strings"
	"testing"
)

// broken holds, for each rule, a small file that breaks it and what the finding must say;
// with nothing to say, the file is clean and the rule must stay silent.
var broken = []struct{ rule, path, content, says string }{
	{"imports", "domain/canon/a.go", `import "aval/domain"`, "domain/canon may not import domain"},
	{"imports", "domain/canon/a.go", `import "aval/domain/envelope"`, "may not import"},
	{"imports", "domain/canon/a.go", `import "github.com/fxamacker/cbor/v2"`, ""},
	{"imports", "domain/a.go", `import "aval/domain/canon"`, ""},
	{"imports", "domain/a.go", `import "aval/domain/envelope"`, "domain may not import domain/envelope"},
	{"imports", "domain/a.go", `import "aval/ledger"`, "may not import"},
	{"imports", "domain/a.go", `import "github.com/fxamacker/cbor/v2"`, "only domain/canon encodes"},
	{"imports", "domain/envelope/a.go", "import \"aval/domain\"\nimport \"aval/domain/canon\"", ""},
	{"imports", "domain/envelope/a.go", `import "aval/contracts"`, "may not import"},
	{"imports", "contracts/a.go", `import "aval/contracts/cash"`, ""},
	{"imports", "contracts/a.go", `import "aval/contracts/cash/iso20022"`, "may not import"},
	{"imports", "contracts/a.go", `import "aval/contracts/contracttest"`, "contracts may not import contracts/contracttest"},
	{"imports", "contracts/cash/a.go", `import "aval/contracts/contracttest"`, "may not import"},
	{"imports", "contracts/cash/a_test.go", `import "aval/contracts/contracttest"`, ""},
	{"imports", "contracts/cash/a.go", "import \"aval/domain/envelope\"\nimport \"aval/contracts/cash/iso20022\"", ""},
	{"imports", "contracts/cash/a.go", `import "aval/contracts/invoice"`, "contracts/cash may not import contracts/invoice"},
	{"imports", "contracts/cash/a.go", `import "aval/contracts/cashier"`, "may not import"},
	{"imports", "contracts/cash/a.go", `import "aval/ledger"`, "may not import"},
	{"imports", "contracts/contracttest/a.go", `import "aval/ledger"`, "may not import"},
	{"imports", "ledger/a.go", `import "aval/domain/envelope"`, ""},
	{"imports", "ledger/a.go", `import "aval/ledger/sqlite"`, "ledger may not import ledger/sqlite"},
	{"imports", "ledger/a.go", `import "aval/contracts"`, "may not import"},
	{"imports", "ledger/sqlite/a.go", "import \"aval/ledger\"\nimport \"aval/domain\"\nimport \"aval/ledger/sqlite/schema\"", ""},
	{"imports", "ledger/sqlite/a.go", `import "aval/ledger/order"`, "ledger/sqlite may not import ledger/order"},
	{"imports", "ledger/ledgertest/a.go", `import "aval/ledger/order"`, ""},
	{"imports", "ledger/ledgertest/a.go", `import "aval/contracts"`, "may not import"},
	{"imports", "ledger/order/a.go", `import "aval/ledger/ledgertest"`, "may not import"},
	{"imports", "oracle/aeroapi/a.go", "import \"aval/oracle\"\nimport \"aval/ledger\"\nimport \"aval/domain\"", ""},
	{"imports", "oracle/a.go", `import "aval/iot"`, "oracle may not import iot"},
	{"imports", "iot/senml/a.go", `import "aval/oracle/bts"`, "may not import"},
	{"imports", "api/a.go", `import "aval/contracts"`, "api may not import contracts"},
	{"imports", "api/a.go", `import "aval/ledger/sqlite"`, "may not import"},
	{"imports", "api/a.go", `import "aval/cmd/aval"`, "may not import"},
	{"imports", "cmd/aval/a.go", "import \"aval/contracts\"\nimport \"aval/ledger/sqlite\"\nimport \"aval/api\"\nimport \"aval/cmd/aval/node\"", ""},
	{"imports", "cmd/aval/a.go", `import "aval/contracts/contracttest"`, "may not import"},
	{"imports", "cmd/aval/a.go", `import "aval/ledger/ledgertest"`, "may not import"},
	{"imports", "fixtures/a.go", `import "aval/domain"`, "fixtures may not import domain"},
	{"imports", "a.go", `import "aval/domain"`, "may not import"},
	{"imports", "newfolder/a.go", `import "aval/oracle"`, "may not import"},

	{"core imports", "domain/a.go", `import "os"`, "may not import os"},
	{"core imports", "domain/a.go", `import "io/fs"`, "may not import io/fs"},
	{"core imports", "domain/envelope/a.go", `import "crypto/rand"`, "may not import crypto/rand"},
	{"core imports", "domain/envelope/a.go", `import "io"`, ""},
	{"core imports", "contracts/cash/a.go", `import "net/http"`, "may not import net/http"},
	{"core imports", "contracts/cash/a.go", `import "math/rand/v2"`, "may not import math/rand/v2"},
	{"core imports", "contracts/cash/a.go", `import "math/bits"`, ""},
	{"core imports", "contracts/cash/a.go", `import "log/slog"`, "may not import log/slog"},
	{"core imports", "contracts/contracttest/a.go", `import "os"`, ""},
	{"core imports", "ledger/execute.go", `import "database/sql"`, "may not import database/sql"},
	{"core imports", "ledger/stateful.go", `import "log"`, "may not import log"},
	{"core imports", "ledger/engine.go", `import "os"`, ""},

	{"core calls", "domain/a.go", "import \"time\"\nvar now = time.Now()", "time.Now"},
	{"core calls", "domain/a.go", "import clock \"time\"\nvar now = clock.Now", "time.Now"},
	{"core calls", "domain/a.go", "import \"time\"\nfunc f(t time.Time) { time.Since(t) }", "time.Since"},
	{"core calls", "domain/a.go", "import \"time\"\nvar zone, _ = time.LoadLocation(\"Europe/Zurich\")", "time.LoadLocation"},
	{"core calls", "domain/a.go", "import \"time\"\nvar epoch = time.UnixMilli(0).UTC().Add(time.Hour)", ""},
	{"core calls", "domain/a.go", "func f(time struct{ Now int }) int { return time.Now }", ""},
	{"core calls", "ledger/seal.go", "func f() { go f() }", "goroutines"},
	{"core calls", "ledger/seal.go", "func f(c chan int) { select { case <-c: default: } }", "waits for none"},
	{"core calls", "ledger/engine.go", "import \"time\"\nfunc f() { go f(); time.Now() }", ""},

	{"core floats", "domain/a.go", "var x float64", "floating point"},
	{"core floats", "domain/a.go", "type rate struct { value float32 }", "floating point"},
	{"core floats", "domain/a.go", "var x = 1.5", "floating point"},
	{"core floats", "domain/a.go", "const x = 1e9", "floating point"},
	{"core floats", "domain/a.go", "import \"math\"\nvar x = math.Pi", "floating point"},
	{"core floats", "domain/a.go", "import \"time\"\nfunc f(d time.Duration) bool { return d.Hours() > 2 }", "floating point"},
	{"core floats", "domain/a.go", "import \"math\"\nvar x = math.MaxInt64 / 3", ""},
	{"core floats", "ledger/engine.go", "var x float64", ""},

	{"core map order", "domain/a.go", "func f(m map[string]int) { for range m {} }", "range over a map"},
	{"core map order", "domain/a.go", "type set map[string]bool\ntype box struct{ s set }\nfunc f(b *box) { for k := range b.s { _ = k } }", "range over a map"},
	{"core map order", "domain/a.go", "import \"maps\"\nfunc f(m map[string]int) { for k := range maps.Keys(m) { _ = k } }", "maps.Keys"},
	{"core map order", "domain/a.go", "import \"maps\"\nimport \"slices\"\nfunc f(m map[string]int) { _ = slices.Collect(maps.Values(m)) }", "maps.Values"},
	{"core map order", "domain/a.go", "import \"reflect\"\nfunc f(v reflect.Value) { _ = v.MapKeys() }", "MapKeys"},
	{"core map order", "domain/a.go", "import \"maps\"\nimport \"slices\"\nfunc f(m map[string]int) { for range slices.Sorted(maps.Keys(m)) {} }", ""},
	{"core map order", "domain/a.go", "func f(m []int) { for range m {} }", ""},
	{"core map order", "domain/a.go", "func f(m map[string]int) {\n//tidy:ordered sums do not depend on order\nfor range m {} }", ""},
	{"core map order", "domain/a.go", "func f(m map[string]int) { for range m {} //tidy:ordered sums do not depend on order\n}", ""},
	{"core map order", "domain/a.go", "func f(m map[string]int) {\n//tidy:ordered\nfor range m {} }", "range over a map"},
	{"core map order", "domain/a.go", "//tidy:ordered a comment far away\n\n\nfunc f(m map[string]int) { for range m {} }", "range over a map"},
	{"core map order", "oracle/a.go", "func f(m map[string]int) { for range m {} }", ""},

	{"core globals", "domain/a.go", "var n int\nfunc f() { n = 1 }", "variable n is changed (=)"},
	{"core globals", "domain/a.go", "var n int\nfunc f() { n++ }", "variable n is changed (++)"},
	{"core globals", "domain/a.go", "var m = map[string]int{}\nfunc f() { m[\"a\"] = 1 }", "variable m is changed"},
	{"core globals", "domain/a.go", "var m = map[string]int{}\nfunc f() { delete(m, \"a\") }", "(delete)"},
	{"core globals", "domain/a.go", "var s struct{ a []int }\nfunc f() { s.a[0] += 1 }", "variable s is changed"},
	{"core globals", "domain/a.go", "var n int\nfunc f() *int { return &n }", "(&)"},
	{"core globals", "domain/a.go", "import \"sync\"\nvar mu sync.Mutex\nfunc f() { mu.Lock() }", "variable mu is changed (Lock)"},
	{"core globals", "domain/a.go", "var m = map[string]int{\"a\": 1}\nfunc f() int { return m[\"a\"] }", ""},
	{"core globals", "domain/a.go", "var n int\nfunc f() { n := 2; n++; _ = n }", ""},
	{"core globals", "ledger/engine.go", "var n int\nfunc f() { n = 1 }", ""},

	{"init", "cmd/aval/a.go", "func init() {}", "no init()"},
	{"init", "cmd/aval/a_test.go", "func init() {}", ""},
	{"init", "domain/a.go", "type t struct{}\nfunc (t) init() {}", ""},

	{"printing", "api/a.go", "import \"fmt\"\nfunc f() { fmt.Println(1) }", "fmt.Println"},
	{"printing", "api/a.go", `import "log"`, "global logger"},
	{"printing", "api/a.go", "func f() { println(1) }", "println"},
	{"printing", "api/a.go", "import \"fmt\"\nimport \"log/slog\"\nfunc f(w io.Writer) { fmt.Fprintln(w); _ = fmt.Sprint(1) }", ""},
	{"printing", "cmd/aval/a.go", "import \"fmt\"\nimport \"log\"\nfunc f() { fmt.Println(1) }", ""},

	{"sql", "oracle/a.go", `import "database/sql"`, "SQL lives in ledger/sqlite"},
	{"sql", "cmd/aval/a.go", `import _ "modernc.org/sqlite"`, "SQL lives in ledger/sqlite"},
	{"sql", "ledger/a.go", `import "database/sql/driver"`, "SQL lives in ledger/sqlite"},
	{"sql", "ledger/sqlite/a.go", "import \"database/sql\"\nimport _ \"modernc.org/sqlite\"", ""},

	{"comments", "api/a.go", "// TO" + "DO: later", "TO" + "DO"},
	{"comments", "api/a.go", "/* FIX" + "ME */", "FIX" + "ME"},
	{"comments", "api/a.go", "var a int // XX" + "X", "XX" + "X"},
	{"comments", "api/a.go", "// The currency is \"mastodons\".\nconst none = \"XX" + "X\"", ""},

	{"machine paths", "api/a.go", "var a = \"/wo" + "rk/main\"", "path of one machine"},
	{"machine paths", "api/a_test.go", "var a = `/ro" + "ot/go`", "path of one machine"},
	{"machine paths", "api/a.go", "// see file:///fa" + "rm", ""}, // a slash before it: a URL or a longer path
	{"machine paths", "README.md", "Look in /fa" + "rm/x.", "path of one machine"},
	{"machine paths", "README.md", "GET /v1/ro" + "ot and tree/ro" + "ot, /wo" + "rkshop", ""},

	{"sizes", "api/a.go", "func f() {\n" + strings.Repeat("f()\n", maxFunctionLines) + "}", "api/a.go:f has 72 lines, limit 70"},
	{"sizes", "api/a.go", "type t struct{}\nfunc (*t) f() {\n" + strings.Repeat("f()\n", maxFunctionLines) + "}", "api/a.go:t.f has 72 lines"},
	{"sizes", "api/a.go", "func f() {\n" + strings.Repeat("f()\n", maxFunctionLines-2) + "}", ""},
	{"sizes", "api/a_test.go", "func f() {\n" + strings.Repeat("f()\n", maxFunctionLines) + "}", ""},
	{"sizes", "api/a.go", strings.Repeat("\n", maxFileLines+1), "api/a.go has 501 lines, limit 500"},
	{"sizes", "api/a.go", strings.Repeat("\n", maxFileLines), ""},
	{"sizes", "api/a.go", "type T interface { A(); B(); C(); D(); E(); F() }", "api/a.go:T has 6 methods, limit 5"},
	{"sizes", "api/a.go", "type T interface { A(); B(); C(); D(); E() }", ""},
}

func TestEachRuleCanFail(t *testing.T) {
	tested := map[string]bool{}
	std := importer.Default()
	for _, c := range broken {
		rule := rules[c.rule]
		if rule == nil {
			t.Fatalf("no rule %q", c.rule)
		}
		if c.rule == "sizes" {
			rule = func(t tree) []finding { return checkSizes(t, nil) }
		}
		found := rule(snippet(t, std, c.path, c.content))
		var text strings.Builder
		for _, f := range found {
			text.WriteString(f.at + ": " + f.text + "\n")
		}
		switch {
		case c.says == "" && len(found) > 0:
			t.Errorf("%s, %s:\n%s\nis clean, and was found: %s", c.rule, c.path, c.content, text.String())
		case !strings.Contains(text.String(), c.says):
			t.Errorf("%s, %s:\n%s\nfound %q, want %q", c.rule, c.path, c.content, text.String(), c.says)
		case c.says != "" && !strings.HasPrefix(text.String(), c.path+":"):
			t.Errorf("%s: %q names no file and line", c.rule, text.String())
		}
		tested[c.rule] = tested[c.rule] || c.says != ""
	}
	tested["fixtures"] = true // has a test of its own
	for name := range rules {
		if !tested[name] {
			t.Errorf("nothing proves that rule %q can fail", name)
		}
	}
}

// snippet makes a tree of one file and type-checks it; names it does not know are no matter.
func snippet(t *testing.T, std types.Importer, name, content string) tree {
	t.Helper()
	all := tree{texts: map[string]string{name: content}}
	if !strings.HasSuffix(name, ".go") {
		return all
	}
	content = "package a;" + content // on one line, so that line numbers stay
	s, err := parse(name, content)
	if err != nil {
		t.Fatalf("%s: %v", content, err)
	}
	s.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
		Defs: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	if std != nil && inCore(name) {
		config := types.Config{Error: func(error) {}, Importer: std}
		_, _ = config.Check("a", s.fset, []*ast.File{s.file}, s.info)
	}
	all.sources = []source{s}
	return all
}

func TestRatchetMayShrinkAndNotGrow(t *testing.T) {
	long := "func f() {\n" + strings.Repeat("f()\n", 78) + "}" // 80 lines
	for name, c := range map[string]struct {
		allowed int
		says    string
	}{
		"as listed": {80, ""}, "shrunk": {90, ""}, "grown": {79, "has 80 lines, limit 79"},
	} {
		found := checkSizes(snippet(t, nil, "api/a.go", long), map[string]int{"api/a.go:f": c.allowed})
		if len(found) > 1 || (len(found) == 1) != (c.says != "") || len(found) == 1 && !strings.Contains(found[0].text, c.says) {
			t.Errorf("%s: %v", name, found)
		}
	}
	found := checkSizes(snippet(t, nil, "api/a.go", "func f() {}"), map[string]int{"api/a.go:f": 80})
	if len(found) != 1 || !strings.Contains(found[0].text, "take it off the list") {
		t.Errorf("an entry that is no longer needed: %v", found)
	}
}

func TestDeadFixturesAreFound(t *testing.T) {
	house := tree{texts: map[string]string{
		"fixtures/flights/flights.go":   "//go:embed airports.csv *.gz\nvar data embed.FS",
		"fixtures/flights/airports.csv": "", "fixtures/flights/day.csv.gz": "", "fixtures/flights/README.md": "",
		"fixtures/flights/dead.csv":  "",
		"fixtures/ubl/a.xml":         "",
		"fixtures/ubl/deep/b.xml":    "",
		"fixtures/notes/c.txt":       "",
		"fixtures/events/named.json": "", "fixtures/events/dead.json": "",
		"iot/a_test.go": `glob("../fixtures/ubl/*.xml"); read("named.json")`,
		"README.md":     "fixtures/events/dead.json",
		"cmd/x.txtar":   "exec aval gateway fixtures/notes",
	}}
	var got []string
	for _, f := range checkFixtures(house) {
		got = append(got, f.at)
	}
	want := "fixtures/events/dead.json:1 fixtures/flights/dead.csv:1 fixtures/ubl/deep/b.xml:1"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
