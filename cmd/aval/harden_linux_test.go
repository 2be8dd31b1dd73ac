package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"aval/iot/gateway"
	"aval/ledger/enclave"
)

// A node runs, and what its measures show from outside is there: in /proc, on its admin address, in its metrics.
func TestNodeShowsItsHardening(t *testing.T) {
	h := newHouse(t)
	n := h.start(t)
	pid := n.command.Process.Pid
	var measures []enclave.Measure
	if err := json.Unmarshal(fetch(t, h.admin+"/hardening", ""), &measures); err != nil {
		t.Fatal(err)
	}
	var names []string
	on := map[string]bool{}
	for _, m := range measures {
		names = append(names, m.Name)
		on[m.Name] = m.State == enclave.MeasureOn
	}
	if !slices.Equal(names, enclave.Measures()) {
		t.Errorf("tells of %q", names)
	}
	status := readProc(t, pid, "status")
	if locked := regexp.MustCompile(`VmLck:\s+[1-9]`).MatchString(status); locked != on[enclave.MemoryLock] {
		t.Errorf("memory is locked: %v, and it says %v", locked, on[enclave.MemoryLock])
	}
	wantThreadsFiltered(t, pid)
	metrics := string(fetch(t, h.admin+"/metrics", ""))
	for _, want := range []string{`aval_hardening{measure="memory-access"} 1`, "process_open_fds"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if err := n.stop(); err != nil {
		t.Error(err)
	}
}

// wantThreadsFiltered wants a process without core dumps, all of whose threads are under the filter and gain no rights.
func wantThreadsFiltered(t *testing.T, pid int) {
	t.Helper()
	if !regexp.MustCompile(`Max core file size +0 +0 `).MatchString(readProc(t, pid, "limits")) {
		t.Errorf("core dumps have no limit of 0: %s", readProc(t, pid, "limits"))
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) < 3 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q", thread, want)
			}
		}
	}
}

// A witness and a gateway are protected as a node is: what shows from outside is there, and another process of their user reads nothing of them.
func TestWitnessAndGatewayAreNotRead(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("running a program as another user needs root")
	}
	h := newHouse(t)
	base := filepath.Dir(h.dir)
	program, own := filepath.Join(base, "aval"), filepath.Join(base, "own")
	copyProgram(t, program)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // a broker that says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	log := strings.Fields(string(h.policyText(t)))[1]
	for _, dir := range []string{base, filepath.Dir(base)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(own, 0o700), os.Chown(own, nobody, nobody), os.Chmod(filepath.Join(h.dir, "policy.txt"), 0o644)); err != nil {
		t.Fatal(err)
	}
	giveAway(t, h.dir)
	for name, args := range map[string][]string{
		"witness": {"witness", filepath.Join(own, "w"), "--name", "witness.example/w", "--log", log, "--listen", "127.0.0.1:0"},
		"gateway": {"gateway", "--broker", "tcp://" + silent.Addr().String(), "--org", "carrier", "--id", "gw-1", "--policy", filepath.Join(h.dir, "policy.txt"),
			"--store", filepath.Join(own, "gw.wal"), "--telemetry", filepath.Join(own, "trip.csv"), "--key", filepath.Join(own, "sensor.jwk"), "--shipment", "s-1", "--device", "sensor-1"},
	} {
		t.Run(name, func(t *testing.T) {
			h.furnishGateway(t, own)
			p, err := start(asNobody(exec.Command(program, args...)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.kill)
			pid := p.command.Process.Pid
			waitFor(t, "the process to be confined", func() bool {
				select {
				case <-p.exited:
					t.Fatalf("ended: %s", p.stderr)
				default:
				}
				return p.stdout.String() != "" || strings.Contains(readProc(t, pid, "status"), "Seccomp_filters:\t2") && name == "gateway"
			})
			wantThreadsFiltered(t, pid)
			if got, out := spyOn(t, base, pid); got != 0 {
				t.Errorf("%d attempts succeed:\n%s", got, out)
			}
		})
	}
}

// policyText is what the house's folder hands out.
func (h *house) policyText(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "policy.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// furnishGateway gives a gateway a key and a trip.
func (h *house) furnishGateway(t *testing.T, dir string) {
	t.Helper()
	key, err := h.keys["sensor-1"].Format()
	if err != nil {
		t.Fatal(err)
	}
	trip := gateway.TelemetryHeader + "\n" + "2026-01-02T10:00:00Z,4.1,53.9000000,10.6866000,,\n"
	for name, content := range map[string][]byte{"sensor.jwk": key, "trip.csv": []byte(trip)} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, content, 0o600), os.Chown(path, nobody, nobody)); err != nil {
			t.Fatal(err)
		}
	}
}

// spyOn lets another process of the same user try to read one, and counts what succeeds.
func spyOn(t *testing.T, base string, pid int) (int, []byte) {
	t.Helper()
	spy := asNobody(exec.Command(filepath.Join(base, "spy"), "-test.run=^TestChildSpies$", "-test.v"))
	spy.Env = append(os.Environ(), fmt.Sprintf("%s=%d", spied, pid))
	out, err := spy.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Count(string(out), "READ "), out
}

func readProc(t *testing.T, pid int, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// nobody is a user without rights; root, as which tests may run, passes by what is tried here.
const nobody = 65534

// spied names the process that TestChildSpies tries to read.
const spied = "AVAL_TEST_SPIED"

// Another process of the same user can neither trace a node nor open its memory. With that measure relaxed it
// can, so the attempts are good.
func TestNodeIsNotRead(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("running a node as another user needs root")
	}
	h := newHouse(t)
	base := filepath.Dir(h.dir)
	program := filepath.Join(base, "aval")
	copyProgram(t, program)
	for _, path := range []string{base, filepath.Dir(base)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	giveAway(t, h.dir)
	for name, relaxed := range map[string]map[string]string{
		"protected": {},
		"relaxed":   {enclave.MemoryAccess: "the test wants to see that its attempts are good"},
	} {
		t.Run(name, func(t *testing.T) {
			h.configure(t, map[string]any{"ledger": origin, "listen": "127.0.0.1:0", "hardening": map[string]any{"relax": relaxed}})
			n, err := start(asNobody(exec.Command(program, "node", "--json", h.dir)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(n.kill)
			if _, err := n.first(); err != nil {
				t.Fatal(err)
			}
			got, out := spyOn(t, base, n.command.Process.Pid)
			if want := map[string]int{"protected": 0, "relaxed": 3}[name]; got != want {
				t.Errorf("%d attempts succeed, want %d:\n%s", got, want, out)
			}
			if err := n.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(own)
	if err == nil {
		err = os.WriteFile(to, program, 0o755)
	}
	if err == nil {
		err = os.Link(to, filepath.Join(filepath.Dir(to), "spy"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func giveAway(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append([]os.DirEntry{nil}, files...) {
		name := dir
		if path != nil {
			name = filepath.Join(dir, path.Name())
		}
		if err := os.Chown(name, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
}

func asNobody(c *exec.Cmd) *exec.Cmd {
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return c
}

// TestChildSpies is the child of the test above.
func TestChildSpies(t *testing.T) {
	var pid int
	if _, err := fmt.Sscan(os.Getenv(spied), &pid); err != nil {
		t.Skip("the child of TestNodeIsNotRead")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for what, try := range map[string]func() error{
		"memory file": func() error { return openProc(pid, "mem") },
		"environment": func() error { return openProc(pid, "environ") },
		"trace": func() error {
			err := unix.PtraceSeize(pid)
			if err == nil {
				err = unix.PtraceDetach(pid)
				if err == unix.ESRCH { // it was seized, and runs
					err = nil
				}
			}
			return err
		},
	} {
		if err := try(); err != nil {
			t.Logf("refused: %s: %v", what, err)
			continue
		}
		fmt.Println("READ", what)
	}
}

func openProc(pid int, name string) error {
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err == nil {
		f.Close()
	}
	return err
}
