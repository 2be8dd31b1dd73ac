package aval_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func imports(s source) map[string]*ast.ImportSpec {
	all := map[string]*ast.ImportSpec{}
	for _, spec := range s.file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		all[name] = spec
	}
	return all
}

// checkImports enforces the one direction of imports (design, section 1).
func checkImports(s source) []finding {
	var all []finding
	for name, spec := range imports(s) {
		to, ours := strings.CutPrefix(name, modulePath)
		if ours && !mayImport(s.dir(), to) {
			all = append(all, s.finding(spec, "%s may not import %s", s.dir(), to))
		}
		if name == "github.com/fxamacker/cbor/v2" && inCore(s.path) && s.dir() != "domain/canon" {
			all = append(all, s.finding(spec, "only domain/canon encodes what is hashed"))
		}
	}
	return sorted(all)
}

// benches are imported by tests alone.
var benches = []string{"contracts/contracttest", "ledger/ledgertest"}

func mayImport(from, to string) bool {
	top, rest, _ := strings.Cut(from, "/")
	second, _, _ := strings.Cut(rest, "/")
	switch {
	case top == "cmd" && within(to, "cmd"):
		return true
	case within(to, "cmd"), slices.ContainsFunc(benches, func(b string) bool { return within(to, b) && !within(from, b) }):
		return false
	case top == "cmd":
		return true
	case within(from, "ledger/ledgertest"): // joins the engine with its real adapters
		return within(to, "domain") || within(to, "ledger")
	case top == "domain":
		return within(to, "domain") && to != from && rest != "canon" && (rest != "" || to == "domain/canon")
	case within(to, "domain"):
		return top != "fixtures" && top != "."
	case from == "contracts":
		return path.Dir(to) == "contracts"
	case top == "contracts":
		return within(to, path.Join(top, second))
	case from == "ledger":
		return false
	case top == "ledger":
		return to == "ledger" || within(to, path.Join(top, second))
	case top == "oracle", top == "iot", top == "api":
		return to == "ledger" || within(to, top)
	}
	return false
}

// impure are the packages that reach a clock's timers, a disk, a network, chance or a log.
var impure = []string{
	"os", "io/fs", "io/ioutil", "net", "math/rand", "crypto/rand", "log", "database/sql", "syscall", "unsafe", "runtime", "path/filepath", "plugin",
}

func checkCoreImports(s source) []finding {
	var all []finding
	for name, spec := range imports(s) {
		if inCore(s.path) && slices.ContainsFunc(impure, func(p string) bool { return within(name, p) }) {
			all = append(all, s.finding(spec, "the pure core may not import %s", name))
		}
	}
	return sorted(all)
}

// clock are the names of package time that depend on the machine: its clock or its zone.
var clock = []string{
	"Now", "Since", "Until", "After", "AfterFunc", "Tick", "Sleep", "NewTimer", "NewTicker", "Local", "LoadLocation",
}

// checkCoreCalls forbids the clock and goroutines.
func checkCoreCalls(s source) []finding {
	if !inCore(s.path) {
		return nil
	}
	var all []finding
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt, *ast.SelectStmt:
			all = append(all, s.finding(n, "the pure core has no goroutines and waits for none"))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && s.isPackage(x, "time") && slices.Contains(clock, n.Sel.Name) {
				all = append(all, s.finding(n, "the pure core may not use time.%s: time is Input.Now", n.Sel.Name))
			}
		}
		return true
	})
	return all
}

// isPackage says whether an identifier names the imported package.
func (s source) isPackage(x *ast.Ident, importPath string) bool {
	name, ok := s.info.Uses[x].(*types.PkgName)
	return ok && name.Imported().Path() == importPath
}

// checkCoreFloats forbids expressions of floating point type, and literals that would make one.
func checkCoreFloats(s source) []finding {
	if !inCore(s.path) {
		return nil
	}
	lines := map[string]finding{} // one finding a line is enough
	ast.Inspect(s.file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		literal, ok := e.(*ast.BasicLit)
		basic, typed := types.Unalias(typeOf(s.info, e)).(*types.Basic)
		if ok && literal.Kind == token.FLOAT || typed && basic.Info()&(types.IsFloat|types.IsComplex) != 0 {
			f := s.finding(n, "the pure core has no floating point")
			lines[f.at] = f
		}
		return true
	})
	var all []finding
	for _, f := range lines {
		all = append(all, f)
	}
	return sorted(all)
}

func typeOf(info *types.Info, e ast.Expr) types.Type {
	if t := info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

// checkMapOrder forbids ranging over a map, or over an iterator of one that is not sorted at
// once, unless a comment //tidy:ordered says on that line or the one above why the order
// does not show. Types are real (go/types), so a map behind a name or a field counts too.
func checkMapOrder(s source) []finding {
	if !inCore(s.path) {
		return nil
	}
	excused := reasons(s, "//tidy:ordered")
	sortedCalls := map[ast.Node]bool{}
	var all []finding
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := s.called(n)
			if strings.HasPrefix(name, "slices.Sorted") {
				sortedCalls[n.Args[0]] = true
			}
			unordered := name == "maps.Keys" || name == "maps.Values" || name == "maps.All" ||
				strings.HasSuffix(name, ".MapRange") || strings.HasSuffix(name, ".MapKeys")
			if unordered && !sortedCalls[n] {
				all = append(all, s.finding(n, "%s gives the order of a map", name))
			}
		case *ast.RangeStmt:
			if _, isMap := typeOf(s.info, n.X).Underlying().(*types.Map); isMap {
				all = append(all, s.finding(n, "range over a map: sort its keys, or say //tidy:ordered and why"))
			}
		}
		return true
	})
	return slices.DeleteFunc(all, func(f finding) bool { return excused[f.at] })
}

// reasons gives the lines excused by a comment with that mark and a reason of some length.
func reasons(s source, mark string) map[string]bool {
	excused := map[string]bool{}
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if why, ok := strings.CutPrefix(c.Text, mark); ok && len(strings.TrimSpace(why)) >= 10 {
				line := s.fset.Position(c.Pos()).Line
				excused[fmt.Sprintf("%s:%d", s.path, line)] = true
				excused[fmt.Sprintf("%s:%d", s.path, line+1)] = true
			}
		}
	}
	return excused
}

// called names the function of a call: "maps.Keys", or ".MapRange" for a method.
func (s source) called(call *ast.CallExpr) string {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := sel.X.(*ast.Ident); ok {
		if name, ok := s.info.Uses[x].(*types.PkgName); ok {
			return name.Imported().Path() + "." + sel.Sel.Name
		}
	}
	return "." + sel.Sel.Name
}

// checkGlobals finds package-level variables of the core that a function changes: by an
// assignment to them or into them, ++, delete, clear, &, or a method with a pointer receiver.
// Best effort: a pointer, map or slice that was copied out of the variable is not followed.
func checkGlobals(s source) []finding {
	if !inCore(s.path) {
		return nil
	}
	var all []finding
	report := func(e ast.Expr, how string) {
		if name := s.global(e); name != "" {
			all = append(all, s.finding(e, "package-level variable %s is changed (%s)", name, how))
		}
	}
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					report(left, n.Tok.String())
				}
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					report(n.Key, "range")
				}
			case *ast.IncDecStmt:
				report(n.X, n.Tok.String())
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					report(n.X, "&")
				}
			case *ast.CallExpr:
				if name, ok := n.Fun.(*ast.Ident); ok && (name.Name == "delete" || name.Name == "clear" || name.Name == "copy") && len(n.Args) > 0 {
					report(n.Args[0], name.Name)
				}
			case *ast.SelectorExpr:
				if m := s.info.Selections[n]; m != nil && m.Kind() == types.MethodVal && changesReceiver(m) {
					report(n.X, n.Sel.Name)
				}
			}
			return true
		})
	}
	return all
}

// changesReceiver says whether a method takes the address of a value that is no pointer itself.
func changesReceiver(m *types.Selection) bool {
	_, takesPointer := m.Obj().Type().(*types.Signature).Recv().Type().(*types.Pointer)
	_, isPointer := m.Recv().Underlying().(*types.Pointer)
	return takesPointer && !isPointer
}

// global names the package-level variable at the root of an expression such as a.b[c], or "".
func (s source) global(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SelectorExpr:
			if _, isField := s.info.Selections[x]; !isField {
				e = x.Sel // a variable of another package
				continue
			}
			e = x.X
		case *ast.Ident:
			v, ok := s.info.Uses[x].(*types.Var)
			if ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
				return v.Name()
			}
			return ""
		default:
			return ""
		}
	}
}

func checkInit(s source) []finding {
	var all []finding
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			all = append(all, s.finding(f, "no init(): tables are plain values, wiring is in cmd"))
		}
	}
	return all
}

// checkPrinting keeps standard output and the global logger to cmd.
func checkPrinting(s source) []finding {
	if within(s.path, "cmd") {
		return nil
	}
	var all []finding
	if spec, ok := imports(s)["log"]; ok {
		all = append(all, s.finding(spec, "the global logger belongs to cmd"))
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "fmt" && strings.HasPrefix(sel.Sel.Name, "Print") {
				all = append(all, s.finding(n, "fmt.%s belongs to cmd", sel.Sel.Name))
			}
		}
		if call, ok := n.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.Ident); ok && (f.Name == "print" || f.Name == "println") {
				all = append(all, s.finding(n, "%s writes to standard error", f.Name))
			}
		}
		return true
	})
	return all
}

// checkSQL keeps SQL in the one package that owns the schema.
func checkSQL(s source) []finding {
	var all []finding
	for name, spec := range imports(s) {
		if (within(name, "database/sql") || within(name, "modernc.org/sqlite")) && !within(s.dir(), "ledger/sqlite") {
			all = append(all, s.finding(spec, "%s: SQL lives in ledger/sqlite", name))
		}
	}
	return sorted(all)
}

var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)

func checkComments(t tree) []finding {
	var all []finding
	for _, s := range t.sources {
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if word := unfinished.FindString(c.Text); word != "" && !s.test {
					all = append(all, s.finding(c, "%s: finish it, or open an issue", word))
				}
			}
		}
	}
	return all
}

// machinePath is written in pieces, so that this file passes its own rule.
var machinePath = regexp.MustCompile(`(?:^|[^A-Za-z0-9_./})-])/(?:` + "wo" + "rk|ro" + "ot|fa" + `rm)(?:/|\b)`)

// checkMachinePaths looks into every text file: what names a folder of one machine works on no other.
func checkMachinePaths(t tree) []finding {
	var all []finding
	for name, content := range t.texts {
		if strings.ContainsRune(content, 0) {
			continue // not text
		}
		for i, line := range strings.Split(content, "\n") {
			if found := machinePath.FindString(line); found != "" {
				all = append(all, finding{fmt.Sprintf("%s:%d", name, i+1), "path of one machine:" + found})
			}
		}
	}
	return sorted(all)
}

// checkSizes measures functions, files and interfaces against their budgets. What allowed
// lists may be as large as it says; an entry that is no longer needed must go.
func checkSizes(t tree, allowed map[string]int) []finding {
	var all []finding
	needed := map[string]bool{}
	measure := func(at, key string, size, limit int, unit string) {
		if size <= limit {
			return
		}
		needed[key] = true
		if most := max(limit, allowed[key]); size > most {
			all = append(all, finding{at, fmt.Sprintf("%s has %d %s, limit %d", key, size, unit, most)})
		}
	}
	for _, s := range t.sources {
		if s.test {
			continue
		}
		line := func(p token.Pos) int { return s.fset.Position(p).Line }
		measure(s.path+":1", s.path, line(s.file.FileEnd-1), maxFileLines, "lines")
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				key := s.path + ":" + receiver(n) + n.Name.Name
				measure(fmt.Sprintf("%s:%d", s.path, line(n.Pos())), key, line(n.End())-line(n.Pos())+1, maxFunctionLines, "lines")
			case *ast.TypeSpec:
				if i, ok := n.Type.(*ast.InterfaceType); ok {
					measure(fmt.Sprintf("%s:%d", s.path, line(n.Pos())), s.path+":"+n.Name.Name, i.Methods.NumFields(), maxMethods, "methods")
				}
			}
			return true
		})
	}
	for key := range allowed {
		if !needed[key] {
			all = append(all, finding{key, "no longer over its limit: take it off the list"})
		}
	}
	return sorted(all)
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	t := f.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "."
		default:
			return ""
		}
	}
}

var (
	embedLine    = regexp.MustCompile(`(?m)^//go:embed (.+)$`)
	fixturesPath = regexp.MustCompile(`fixtures/([A-Za-z0-9_./*?\[\]-]+)`)
)

// checkFixtures finds files below fixtures/ that nothing uses: embedded by a pattern, or named
// in a .go or .txtar file by path ("fixtures/x/a.json", its folder or a glob) or by file name.
// README files explain and need no user.
func checkFixtures(t tree) []finding {
	var patterns []string
	var users strings.Builder
	for name, content := range t.texts {
		if ext := path.Ext(name); ext != ".go" && ext != ".txtar" {
			continue
		}
		users.WriteString(content)
		for _, m := range embedLine.FindAllStringSubmatch(content, -1) {
			for pattern := range strings.FieldsSeq(m[1]) {
				patterns = append(patterns, path.Join(path.Dir(name), strings.TrimPrefix(strings.Trim(pattern, `"`), "all:")))
			}
		}
		for _, m := range fixturesPath.FindAllStringSubmatch(content, -1) {
			patterns = append(patterns, path.Join("fixtures", m[1]))
		}
	}
	text := users.String()
	var all []finding
	for name := range t.texts {
		if !within(name, "fixtures") || path.Ext(name) == ".go" || path.Base(name) == "README.md" || covered(name, patterns) {
			continue
		}
		if !strings.Contains(text, path.Base(name)) {
			all = append(all, finding{name + ":1", "nothing embeds or names this fixture"})
		}
	}
	return sorted(all)
}

// covered says whether a pattern is the file, matches it, or is a folder above it.
func covered(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		match, _ := path.Match(p, name)
		folder, _ := path.Match(p, path.Dir(name))
		return match || folder || within(name, p)
	})
}
