package main

import (
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"aval/ledger/enclave/tpmtest"
)

// haveSwtpm says whether the emulator is installed; in CI it must be.
func haveSwtpm() (bool, error) {
	err := tpmtest.Installed()
	if err != nil && os.Getenv("CI") == "true" {
		return false, err
	}
	return err == nil, nil
}

func swtpmScript(ts *testscript.TestScript, _ bool, args []string) {
	e, err := tpmtest.New()
	ts.Check(err)
	ts.Defer(e.Close)
	ts.Setenv(args[0], e.Socket)
	for name, content := range map[string][]byte{"ROOTS": e.Roots, "CHAIN": e.Chain} {
		path := ts.MkAbs(args[0] + "-" + name + ".pem")
		ts.Check(os.WriteFile(path, content, 0o600))
		ts.Setenv(args[0]+"_"+name, path)
	}
}

// releaseScript relies on a program not minding what comes after it in its file.
func releaseScript(ts *testscript.TestScript, _ bool, args []string) {
	own, err := os.Executable()
	ts.Check(err)
	program, err := os.ReadFile(own)
	ts.Check(err)
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	ts.Check(os.WriteFile(path, append(program, 0), 0o700))
}
