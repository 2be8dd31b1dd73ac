package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp asks every command for help, as a flag and as a command, and wants each to print
// for people and, but for those that only group others, for machines.
func TestHelp(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s has no short description", c.CommandPath())
		}
		path := strings.Fields(c.CommandPath())[1:]
		for _, args := range [][]string{append(slices.Clone(path), "--help"), append([]string{"help"}, path...)} {
			var out strings.Builder
			root := newRoot()
			root.SetOut(&out)
			root.SetArgs(args)
			if err := root.Execute(); err != nil || !strings.Contains(out.String(), "Usage:") {
				t.Errorf("aval %s: %v, printed %q", strings.Join(args, " "), err, out.String())
			}
		}
		if !c.HasSubCommands() && c.Flags().Lookup("json") == nil {
			t.Errorf("%s has no --json", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(newRoot())
}

// TestUnknown tells a slip of the hand from success.
func TestUnknown(t *testing.T) {
	for _, line := range []string{"verfy n", "key shwo k", "node", "node a b", "verify", "get", "--jsn", "key new a b", "demo x", "bench x", "init a b"} {
		root := newRoot()
		root.SetArgs(strings.Fields(line))
		if err := root.Execute(); err == nil {
			t.Errorf("aval %s: succeeds", line)
		}
	}
}

// TestDocumentedCommands parses every "aval" line in the shell blocks of the documents: the
// command, its flags and its number of arguments must exist. What the commands do, scripts show.
func TestDocumentedCommands(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, document := range append(documents, "../../README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(text), -1) {
			for _, args := range invocations(block[1]) {
				count++
				if err := parses(args); err != nil {
					t.Errorf("%s: aval %s: %v", filepath.Base(document), strings.Join(args, " "), err)
				}
			}
		}
	}
	if count < 10 {
		t.Errorf("found %d invocations only", count)
	}
}

// parses says whether the program would begin to work on these arguments.
func parses(args []string) error {
	c, rest, err := newRoot().Find(args)
	if err != nil {
		return err
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if err := c.ValidateRequiredFlags(); err != nil {
		return err
	}
	return c.ValidateArgs(c.Flags().Args())
}

// invocations gives the arguments of each call of aval in a shell script, as far as documents go:
// quotes, line continuations, pipes, lists, redirections and comments.
func invocations(script string) (all [][]string) {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for line := range strings.Lines(script) {
		var words []string
		flush := func() {
			if len(words) > 0 && words[0] == "aval" {
				all = append(all, words[1:])
			}
			words = nil
		}
	scan:
		for _, word := range shellWord.FindAllString(line, -1) {
			switch {
			case strings.HasPrefix(word, "#"):
				break scan
			case strings.ContainsAny(word[:1], "|&;()"):
				flush()
			case strings.HasPrefix(word, ">"), strings.HasPrefix(word, "<"), strings.HasPrefix(word, "2>"):
			default:
				words = append(words, strings.Trim(word, `'"`))
			}
		}
		flush()
	}
	return all
}

// shellWord is an operator, a redirection with its target, or a word with quotes.
var shellWord = regexp.MustCompile(`\|\||&&|[|;&()]|2?>>?\s*[^\s|;&()]+|<\s*[^\s|;&()]+|(?:'[^']*'|"[^"]*"|[^\s|;&()<>'"])+`)

func TestInvocations(t *testing.T) {
	got := invocations("# aval not this\naval key new a.jwk && aval get \\\n  --key a.jwk '/v1/contracts?kind=x' | jq .\necho aval\n$(aval verify d) # done\naval submit a.json > out 2>err\n")
	want := []string{"key new a.jwk", "get --key a.jwk /v1/contracts?kind=x", "verify d", "submit a.json"}
	var lines []string
	for _, args := range got {
		lines = append(lines, strings.Join(args, " "))
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
	for _, bad := range []string{"key make x", "get --keyfile x /v1", "verify", "gateway --org o"} {
		if parses(strings.Fields(bad)) == nil {
			t.Errorf("aval %s would be taken", bad)
		}
	}
}
