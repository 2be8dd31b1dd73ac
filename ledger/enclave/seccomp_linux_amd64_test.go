package enclave

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// foreignProgram names the program that TestChildBecomesForeign turns into.
const foreignProgram = "AVAL_TEST_FOREIGN_PROGRAM"

// TestForeignProgramIsRefused: a program of 32 bits runs, and inside the filter gets no system call at all. It is started inside by a child
// that took the filter of calls by foreign numbers only: the other one refuses to start any program.
func TestForeignProgramIsRefused(t *testing.T) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "foreign")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() { println(\"RAN\") }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", program, source)
	build.Env = append(os.Environ(), "GOARCH=386", "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err == nil {
		out, err = exec.Command(program).CombinedOutput()
	}
	if err != nil || !strings.Contains(string(out), "RAN") {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("no programs of 32 bits can be built and run here: %v: %s", err, out)
	}
	for name, want := range map[string]bool{"": true, "filter": false} {
		child := exec.Command(os.Args[0], "-test.run=^TestChildBecomesForeign$", "-test.v")
		child.Env = append(os.Environ(), foreignProgram+"="+program, foreignProgram+"_IN="+name)
		out, err := child.CombinedOutput()
		if ran := strings.Contains(string(out), "RAN"); ran != want || (err == nil) != want || !strings.Contains(string(out), "BECOMES") {
			t.Errorf("in %q: %v, %s", name, err, out)
		}
	}
}

// TestChildBecomesForeign is the child of the test above.
func TestChildBecomesForeign(t *testing.T) {
	program := os.Getenv(foreignProgram)
	if program == "" {
		t.Skip("the child of TestForeignProgramIsRefused")
	}
	if os.Getenv(foreignProgram+"_IN") != "" {
		own, err := arch.GetInfo("")
		if err == nil {
			err = noNewPrivileges()
		}
		if err == nil {
			err = refuseForeignCalls(own.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	println("BECOMES")
	t.Fatal(unix.Exec(program, []string{program}, os.Environ()))
}
