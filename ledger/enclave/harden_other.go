//go:build !linux

package enclave

import "errors"

var errNotLinux = errors.New("only on Linux")

func noCoreDumps() error       { return errNotLinux }
func notDumpable() error       { return errNotLinux }
func lockMemory() error        { return errNotLinux }
func noNewPrivileges() error   { return errNotLinux }
func filterSystemCalls() error { return errNotLinux }

func confine(map[string]string, Reach) map[string]error {
	return map[string]error{Files: errNotLinux, Network: errNotLinux, OtherProcesses: errNotLinux}
}
