package contracttest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"aval/domain"
)

var update = flag.Bool("update", false, "rewrite the golden parts of contract scenarios")

// Scenarios runs every *.txtar file of a folder on a Bench of its own and compares the
// golden parts. With -update it rewrites them; read the difference before keeping it.
func Scenarios(t *testing.T, dir string, kinds ...domain.Contract) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runScenario(t, file, kinds) })
	}
}

func runScenario(t *testing.T, file string, kinds []domain.Contract) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	script, found := part(archive, "script")
	if !found {
		t.Fatalf("%s has no part script", file)
	}
	b := New(t, kinds...)
	for _, l := range splitScript(script) {
		if err := b.play(l.text); err != nil {
			t.Fatalf("%s: script line %d: %v", file, l.number, err)
		}
	}
	if *update {
		err = rewrite(file, archive, b.golden())
	} else {
		err = compare(archive, b.golden())
	}
	if err != nil {
		t.Errorf("%s: %v", file, err)
	}
}

func part(archive *txtar.Archive, name string) ([]byte, bool) {
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		return nil, false
	}
	return archive.Files[i].Data, true
}

// rewrite keeps the comment and the script, and puts the golden parts after it.
func rewrite(file string, archive *txtar.Archive, golden []txtar.File) error {
	script, _ := part(archive, "script")
	next := txtar.Format(&txtar.Archive{
		Comment: archive.Comment, Files: append([]txtar.File{{Name: "script", Data: script}}, golden...),
	})
	if now, err := os.ReadFile(file); err == nil && bytes.Equal(now, next) {
		return nil
	}
	return os.WriteFile(file, next, 0o644)
}
