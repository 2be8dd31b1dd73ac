package aval_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// samples stand in for the files that a reader of the README is to bring.
var samples = map[string]string{
	"FLIGHTS.csv.gz": "fixtures/flights/bts-2015-01-02-NK.csv",
	"AIRPORTS.csv":   "fixtures/flights/airports.csv",
}

// recursive are the commands of the README that would run this test again. That the task file
// knows them must do.
var recursive = []string{"make test"}

// TestReadmeCommands runs what the README tells a reader to run, in its order.
func TestReadmeCommands(t *testing.T) {
	blocks := shellBlocks(t, "README.md")
	if len(blocks) < 3 || !slices.Contains(blocks, "make demo") || !slices.Contains(blocks, "make test") {
		t.Fatalf("the README's commands: %q", blocks)
	}
	makefile := read(t, "Makefile")
	for _, script := range blocks {
		if slices.Contains(recursive, script) {
			target := strings.TrimPrefix(script, "make ")
			if !regexp.MustCompile(`(?m)^` + target + `:`).MatchString(makefile) {
				t.Errorf("the Makefile has no target %s", target)
			}
			continue
		}
		for name, path := range samples {
			script = strings.ReplaceAll(script, name, path)
		}
		out, err := exec.Command("bash", "-euo", "pipefail", "-c", script).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
		if strings.Contains(script, "demo") && !strings.Contains(string(out), "Sums zero: yes. Ledger derived again: yes") {
			t.Errorf("%s: no summary in\n%s", script, out)
		}
	}
}

// shellBlocks gives the contents of the ```sh blocks of a document.
func shellBlocks(t *testing.T, path string) (blocks []string) {
	t.Helper()
	for _, match := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(read(t, path), -1) {
		blocks = append(blocks, strings.TrimSpace(match[1]))
	}
	return blocks
}

// link is a Markdown link: its target without a title.
var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// TestLinks follows every relative link of the documents to a file, and to a heading in it.
func TestLinks(t *testing.T) {
	documents := []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, more...)
	}
	count := 0
	for _, document := range documents {
		for _, match := range link.FindAllStringSubmatch(read(t, document), -1) {
			target, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: link %s: %v", document, match[1], err)
				continue
			}
			if target.Scheme == "" {
				count++
				follow(t, document, target)
			}
		}
	}
	if count < 10 {
		t.Errorf("found %d links only", count)
	}
}

func follow(t *testing.T, document string, target *url.URL) {
	t.Helper()
	path := document
	if target.Path != "" {
		path = filepath.Join(filepath.Dir(document), filepath.FromSlash(target.Path))
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("%s: link to %s, which does not exist", document, target)
		return
	}
	if target.Fragment != "" && !slices.Contains(headings(read(t, path)), target.Fragment) {
		t.Errorf("%s: link to %s, which has no such heading", document, target)
	}
}

// headings gives the anchors that a Markdown viewer makes of headings.
func headings(text string) (anchors []string) {
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		anchor := strings.ReplaceAll(strings.ToLower(match[1]), " ", "-")
		anchors = append(anchors, regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(anchor, ""))
	}
	return anchors
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
