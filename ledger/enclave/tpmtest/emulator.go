// Package tpmtest runs a TPM 2.0 emulator, swtpm, for tests: with an endorsement certificate under a
// root of its own, as a maker gives it.
package tpmtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const patience = 30 * time.Second

// Emulator is a machine's TPM. Its folder and its process end with the test.
type Emulator struct {
	// Socket is what a configuration names as the device.
	Socket string
	// Roots are the certificates of the authority that endorsed it, PEM; Chain what lies between them and the TPM's.
	Roots, Chain []byte
	dir          string
	process      *exec.Cmd
}

// Start makes a TPM and starts it for one test. Without swtpm the test is skipped, with CI=true it fails.
func Start(t testing.TB) *Emulator {
	t.Helper()
	if err := Installed(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// Installed says what is missing.
func Installed() error {
	for _, name := range []string{"swtpm", "swtpm_setup", "swtpm_localca"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%s is not installed (Debian: swtpm swtpm-tools)", name)
		}
	}
	return nil
}

// New makes a TPM and starts it. Close ends it.
func New() (*Emulator, error) {
	dir, err := os.MkdirTemp("", "tpm") // short: the path of a socket has at most 107 bytes
	if err != nil {
		return nil, err
	}
	e := &Emulator{Socket: filepath.Join(dir, "s"), dir: dir}
	if err := errors.Join(e.manufacture(), e.start()); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close ends the process and forgets the TPM.
func (e *Emulator) Close() {
	e.stop()
	os.RemoveAll(e.dir)
}

// manufacture makes seeds, the endorsement key and its certificate.
func (e *Emulator) manufacture() error {
	ca, state := filepath.Join(e.dir, "ca"), filepath.Join(e.dir, "state")
	for name, content := range map[string]string{
		"setup.conf": fmt.Sprintf("create_certs_tool = %s\ncreate_certs_tool_config = %s/ca.conf\ncreate_certs_tool_options = %s/ca.options\nactive_pcr_banks = sha256\n",
			tool("swtpm_localca"), e.dir, e.dir),
		"ca.conf":    fmt.Sprintf("statedir = %s\nsigningkey = %s/sign.pem\nissuercert = %s/issuer.pem\ncertserial = %s/serial\n", ca, ca, ca, ca),
		"ca.options": "--platform-manufacturer Aval\n--platform-version 1\n--platform-model Test\n",
	} {
		if err := os.WriteFile(filepath.Join(e.dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	for _, dir := range []string{ca, state} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	setup := exec.Command("swtpm_setup", "--tpm2", "--tpmstate", state, "--create-ek-cert", "--lock-nvram", "--config", filepath.Join(e.dir, "setup.conf"))
	if out, err := setup.CombinedOutput(); err != nil {
		return fmt.Errorf("swtpm_setup: %w\n%s", err, out)
	}
	var err error
	if e.Roots, err = os.ReadFile(filepath.Join(ca, "swtpm-localca-rootca-cert.pem")); err != nil {
		return err
	}
	e.Chain, err = os.ReadFile(filepath.Join(ca, "issuer.pem"))
	return err
}

func tool(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return name
	}
	return path
}

func (e *Emulator) start() error {
	os.Remove(e.Socket)
	e.process = exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+filepath.Join(e.dir, "state"),
		"--server", "type=unixio,path="+e.Socket, "--flags", "not-need-init,startup-clear")
	if err := e.process.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("unix", e.Socket); err == nil {
			return conn.Close()
		}
	}
	return errors.New("swtpm did not listen")
}

// Reboot turns the machine off and on: registers are empty again, seeds and certificate stay.
func (e *Emulator) Reboot(t testing.TB) {
	t.Helper()
	e.stop()
	if err := e.start(); err != nil {
		t.Fatal(err)
	}
}

func (e *Emulator) stop() {
	if e.process == nil || e.process.Process == nil {
		return
	}
	_ = e.process.Process.Signal(syscall.SIGTERM)
	_ = e.process.Wait() // ended by the signal
	e.process = nil
}

// Tap gives a second socket to the same TPM, and what has gone over it so far.
func (e *Emulator) Tap(t testing.TB) (socket string, recorded func() []byte) {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(e.dir, "tap"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	record := &recorder{}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			if far, err := net.Dial("unix", e.Socket); err == nil {
				record.join(near, far)
			}
			near.Close()
		}
	}()
	return listener.Addr().String(), record.bytes
}

// recorder keeps what passes.
type recorder struct {
	mu    sync.Mutex
	heard []byte
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, p...)
	return len(p), nil
}

func (r *recorder) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.heard)
}

// join carries both directions until the near side hangs up.
func (r *recorder) join(near, far net.Conn) {
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(near, io.TeeReader(far, r)) }()
	_, _ = io.Copy(far, io.TeeReader(near, r))
	far.Close()
	<-done
}
