package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"testing"

	"aval/domain"
)

// codesIn reads the constants of type Code from a source file, so that a new one cannot be forgotten.
func codesIn(t *testing.T, file string) []domain.Code {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []domain.Code
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !isCode(spec.Type) {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, domain.Code(text))
		}
		return true
	})
	return codes
}

func isCode(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "Code"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Code"
	}
	return false
}

func TestEveryCodeHasAStatus(t *testing.T) {
	domains, own := codesIn(t, "../domain/rejection.go"), codesIn(t, "codes.go")
	if len(domains) < 24 || len(own) != 12 {
		t.Fatalf("found %d codes of the domain and %d of this package", len(domains), len(own))
	}
	for _, code := range append(domains, own...) {
		a, ok := answers[code]
		if !ok {
			t.Errorf("code %s has no status", code)
		}
		if a.status < 400 || http.StatusText(a.status) == "" || a.title == "" {
			t.Errorf("code %s: status %d, title %q", code, a.status, a.title)
		}
	}
	if len(answers) != len(domains)+len(own) {
		t.Errorf("the table has %d codes, the sources %d", len(answers), len(domains)+len(own))
	}
}

func TestUnknownCodeIsARefusal(t *testing.T) {
	if p := newProblem("from-the-future", "x"); p.Status != http.StatusUnprocessableEntity || p.Title == "" {
		t.Errorf("got %+v", p)
	}
}

// TestLoggedRefusals submits a command for every code: each is answered with its status, its place and its receipt.
func TestLoggedRefusals(t *testing.T) {
	h := open(t, nil)
	for i, code := range codesIn(t, "../domain/rejection.go") {
		a := h.post(h.command(h.acme, strconv.Itoa(100+i), "refuse", `{"code":"`+string(code)+`"}`))
		p := decodeProblem(t, a)
		if a.status != answers[code].status || p.Code != code || p.refusal == nil {
			t.Errorf("%s: got %d %s", code, a.status, a.body)
			continue
		}
		if p.ID != id(strconv.Itoa(100+i)) || p.Index != uint64(2*i) || p.Sequence == 0 || p.BookedAt == 0 || p.Receipt == "" {
			t.Errorf("%s: got %s", code, a.body)
		}
	}
}
