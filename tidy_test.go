// Package aval_test holds the house rules as a test: who may import whom, what the pure core
// must not touch, how large things may grow. Each finding names file and line.
package aval_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const (
	modulePath = "aval/"
	// maxFunctionLines, maxFileLines and maxMethods are the budgets. What exceeds them stands
	// below with its present size: it may shrink, it may not grow, nothing may join it without
	// a reason in the commit.
	maxFunctionLines = 70
	maxFileLines     = 500
	maxMethods       = 5
)

// oversized is the ratchet: "path:name" of a function or interface, or "path", and its size.
var oversized = map[string]int{
	"api/ledger.go:Ledger":    15, // with Books, everything that the HTTP surface asks of the engine, in one place
	"ledger/store.go:Archive": 8,  // log, tree and state, each by the keys that readers have
}

// source is one .go file.
type source struct {
	path string // from the root, with slashes
	test bool
	fset *token.FileSet
	file *ast.File
	// info has the types; only of the pure core and only outside of tests.
	info *types.Info
}

// tree is what the rules look at: Go sources, and the text of every other file.
type tree struct {
	sources []source
	texts   map[string]string
}

// finding is one broken rule.
type finding struct {
	at   string // file:line
	text string
}

func (s source) finding(n ast.Node, format string, args ...any) finding {
	return finding{fmt.Sprintf("%s:%d", s.path, s.fset.Position(n.Pos()).Line), fmt.Sprintf(format, args...)}
}

func (s source) dir() string { return path.Dir(s.path) }

// rules are all of them, by the name that a failing subtest shows.
var rules = map[string]func(tree) []finding{
	"imports":        eachSource(checkImports),
	"core imports":   eachSource(checkCoreImports),
	"core calls":     eachSource(checkCoreCalls),
	"core floats":    eachSource(checkCoreFloats),
	"core map order": eachSource(checkMapOrder),
	"core globals":   eachSource(checkGlobals),
	"init":           eachSource(checkInit),
	"printing":       eachSource(checkPrinting),
	"sql":            eachSource(checkSQL),
	"comments":       checkComments,
	"machine paths":  checkMachinePaths,
	"sizes":          func(t tree) []finding { return checkSizes(t, oversized) },
	"fixtures":       checkFixtures,
}

func TestTidy(t *testing.T) {
	house := load(t)
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, f := range rule(house) {
				t.Errorf("%s: %s", f.at, f.text)
			}
		})
	}
}

// eachSource runs a rule over the sources that are not tests.
func eachSource(rule func(source) []finding) func(tree) []finding {
	return func(t tree) []finding {
		var all []finding
		for _, s := range t.sources {
			if !s.test {
				all = append(all, rule(s)...)
			}
		}
		return all
	}
}

// load reads the whole repository. Files of testdata are text: no compiler sees them.
func load(t *testing.T) tree {
	t.Helper()
	house := tree{texts: map[string]string{}}
	core := loadCore(t)
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || name == "node_modules"):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || name == ".git": // a file in a linked worktree
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		house.texts[name] = string(content)
		if !strings.HasSuffix(name, ".go") || strings.Contains(name, "testdata/") {
			return nil
		}
		s, known := core[name]
		if !known {
			if s, err = parse(name, string(content)); err != nil {
				return err
			}
		}
		house.sources = append(house.sources, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(house.sources) < 20 {
		t.Fatalf("found %d Go files: not the root of the repository", len(house.sources))
	}
	return house
}

func parse(name, content string) (source, error) {
	s := source{path: name, test: strings.HasSuffix(name, "_test.go"), fset: token.NewFileSet()}
	file, err := parser.ParseFile(s.fset, name, content, parser.ParseComments|parser.SkipObjectResolution)
	s.file = file
	return s, err
}

// loadCore type-checks the packages that hold the pure core, so that a range over a map is
// known by its type and not by its looks.
func loadCore(t *testing.T) map[string]source {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo |
			packages.NeedImports | packages.NeedExportFile | packages.NeedCompiledGoFiles,
		Dir: root,
	}, "./domain/...", "./contracts/...", "./ledger")
	if err != nil {
		t.Fatal(err)
	}
	core := map[string]source{}
	for _, p := range loaded {
		for _, broken := range p.Errors {
			t.Errorf("%s: %s", p.PkgPath, broken)
		}
		for _, file := range p.Syntax {
			name, err := filepath.Rel(root, p.Fset.Position(file.Package).Filename)
			if err != nil {
				t.Fatal(err)
			}
			name = filepath.ToSlash(name)
			core[name] = source{path: name, fset: p.Fset, file: file, info: p.TypesInfo}
		}
	}
	return core
}

// inCore says whether a file belongs to the pure core: the same bytes in, the same bytes out.
func inCore(file string) bool {
	dir, name := path.Dir(file), path.Base(file)
	if dir == "ledger" {
		return slices.Contains([]string{"execute.go", "seal.go", "salt.go", "encode.go", "fields.go", "extra.go", "reading.go", "disclose.go", "receipt.go", "digest.go"}, name) ||
			strings.HasPrefix(name, "state") || strings.HasPrefix(name, "view")
	}
	return within(dir, "domain") || within(dir, "contracts") && !within(dir, "contracts/contracttest")
}

// within says whether dir is folder or below it.
func within(dir, folder string) bool { return dir == folder || strings.HasPrefix(dir, folder+"/") }

func sorted(all []finding) []finding {
	slices.SortFunc(all, func(a, b finding) int { return strings.Compare(a.at+a.text, b.at+b.text) })
	return all
}
