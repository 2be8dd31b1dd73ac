package node_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf"
	rights "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"aval/cmd/aval/node"
	"aval/ledger/enclave"
)

// childFolder is set for the children of TestHardening, childOther the port of a listener that is none of theirs.
const (
	childFolder  = "AVAL_TEST_HARDENED"
	childOther   = "AVAL_TEST_OTHER_PORT"
	childBlinded = "AVAL_TEST_NO_LANDLOCK"
)

// TestHardening opens a folder as "aval node" does, in processes of their own, and tries there what each measure refuses: with all measures, on a
// kernel that refuses Landlock, and with all relaxed, where every attempt must succeed.
func TestHardening(t *testing.T) {
	allowed, other := listener(t), listener(t)
	relaxed := map[string]string{}
	for _, name := range enclave.Measures() {
		relaxed[name] = "the test looks at a process without it"
	}
	for name, mode := range map[string]struct {
		relax map[string]string
		env   []string
		on    []string
	}{
		"all":         {on: available(t)},
		"no Landlock": {env: []string{childBlinded + "=1"}, on: without(available(t), enclave.Files, enclave.Network, enclave.OtherProcesses)},
		"relaxed":     {relax: relaxed},
	} {
		t.Run(name, func(t *testing.T) {
			config := map[string]any{
				"ledger": "aval.example/test", "listen": "127.0.0.1:0",
				"oracle":    map[string]any{"url": fmt.Sprintf("http://127.0.0.1:%d/aeroapi", allowed), "source": "flights-1"},
				"hardening": map[string]any{"relax": mode.relax},
			}
			text, err := json.Marshal(config)
			if err != nil {
				t.Fatal(err)
			}
			child := exec.Command(os.Args[0], "-test.run=^TestChildHardened$", "-test.v")
			child.Env = append(append(os.Environ(), childFolder+"="+folder(t, string(text)), fmt.Sprintf("%s=%d", childOther, other)), mode.env...)
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var on []string
			for line := range strings.Lines(string(out)) {
				if measure, ok := strings.CutPrefix(strings.TrimSpace(line), "ON "); ok {
					on = append(on, measure)
				}
			}
			if !slices.Equal(on, mode.on) {
				t.Errorf("on are %q, want %q\n%s", on, mode.on, out)
			}
		})
	}
}

// available are the measures that this machine can take.
func available(t *testing.T) []string {
	version, err := rights.LandlockGetABIVersion()
	if err != nil {
		version = 0
	}
	all := enclave.Measures()
	for measure, since := range map[string]int{enclave.Files: 1, enclave.Network: 4, enclave.OtherProcesses: 6} {
		if version < since {
			t.Logf("this kernel's Landlock has version %d: it cannot do %s", version, measure)
			all = without(all, measure)
		}
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur != unix.RLIM_INFINITY && os.Getuid() != 0 {
		all = without(all, enclave.MemoryLock)
	}
	return all
}

func without(all []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(names, name) })
}

func listener(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// TestChildHardened is the child of the test above.
func TestChildHardened(t *testing.T) {
	dir := os.Getenv(childFolder)
	if dir == "" {
		t.Skip("the child of TestHardening")
	}
	if os.Getenv(childBlinded) != "" {
		refuseLandlock(t)
	}
	f, h, err := node.OpenHardened(dir)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(f, node.Options{Hardening: h})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Confine(f, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	on := map[string]bool{}
	for _, m := range h.Measures {
		if on[m.Name] = m.State == enclave.MeasureOn; on[m.Name] {
			fmt.Println("ON", m.Name)
		} else if m.Why == "" {
			t.Errorf("%s is %s, and nothing says why", m.Name, m.State)
		}
	}
	onManyThreads(func() { tryAll(t, f, on) })
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// refuseLandlock makes the kernel look as if it had no Landlock.
func refuseLandlock(t *testing.T) {
	err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, Names: []string{"landlock_create_ruleset"}}},
	}})
	if err != nil {
		t.Skipf("no seccomp here: %v", err)
	}
}

// onManyThreads holds several threads at once, so that old and new ones are tried.
func onManyThreads(try func()) {
	const threads = 8
	var started, done sync.WaitGroup
	started.Add(threads)
	for range threads {
		done.Go(func() {
			runtime.LockOSThread()
			started.Done()
			started.Wait()
			try()
		})
	}
	done.Wait()
}

func tryAll(t *testing.T, f *node.Folder, on map[string]bool) {
	for what, attempt := range attempts(f) {
		err := attempt.try()
		switch refused := errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES); {
		case refused != on[attempt.measure]:
			t.Errorf("%s: %v, and %s is on: %v", what, err, attempt.measure, on[attempt.measure])
		case !refused && err != nil && !errors.Is(err, unix.ENOPROTOOPT) && !errors.Is(err, unix.EPROTONOSUPPORT):
			t.Errorf("%s: %v: the attempt itself is broken", what, err)
		}
	}
	if err := dial(f.Config.Oracle.URL); err != nil {
		t.Errorf("connect to the configured service: %v", err)
	}
	file, err := os.CreateTemp(f.Dir, "inside")
	if err != nil {
		t.Errorf("write in the folder: %v", err)
		return
	}
	if err := errors.Join(file.Close(), os.Rename(file.Name(), file.Name()+".new"), os.Remove(file.Name()+".new")); err != nil {
		t.Errorf("change a file in the folder: %v", err)
	}
}

type attempt struct {
	measure string
	try     func() error
}

// attempts are what the measures refuse. An error other than EPERM and EACCES is a broken attempt.
func attempts(f *node.Folder) map[string]attempt {
	outside := filepath.Dir(f.Dir)
	return map[string]attempt{
		"read outside the folder":  {enclave.Files, func() error { return closed(os.Open(os.Args[0])) }},
		"list outside the folder":  {enclave.Files, func() error { _, err := os.ReadDir(outside); return err }},
		"write outside the folder": {enclave.Files, func() error { return closed(os.CreateTemp(outside, "leak")) }},
		"connect to another port":  {enclave.Network, func() error { return dial("http://127.0.0.1:" + os.Getenv(childOther)) }},
		"open a port": {enclave.Network, func() error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil {
				l.Close()
			}
			return err
		}},
		"signal the parent":            {enclave.OtherProcesses, func() error { return unix.Kill(os.Getppid(), 0) }},
		"read memory by a system call": {enclave.SystemCalls, readOwnMemory},
		"become dumpable again":        {enclave.SystemCalls, func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, dumpable(), 0, 0, 0) }},
		"unlock memory":                {enclave.SystemCalls, func() error { return unix.Munlock(make([]byte, 1)) }},
		"call by 32-bit numbers":       {enclave.SystemCalls, callBy32Bits},
		"call with short pointers": {enclave.SystemCalls, func() error {
			_, _, failed := unix.RawSyscall(0x40000000+unix.SYS_GETPID, 0, 0, 0)
			if failed == 0 || failed == unix.ENOSYS { // few kernels have these
				return nil
			}
			return failed
		}},
		"open multipath TCP": {enclave.SystemCalls, func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}},
	}
}

func closed(f *os.File, err error) error {
	if err == nil {
		f.Close()
	}
	return err
}

func dial(url string) error {
	_, address, _ := strings.Cut(url, "://")
	address, _, _ = strings.Cut(address, "/")
	c, err := net.Dial("tcp", address)
	if err == nil {
		c.Close()
	}
	return err
}

func readOwnMemory() error {
	from, to := []byte{1}, make([]byte, 1)
	remote := []unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&from[0])), Len: 1}}
	local := []unix.Iovec{{Base: &to[0], Len: 1}}
	_, err := unix.ProcessVMReadv(os.Getpid(), local, remote, 0)
	runtime.KeepAlive(from)
	return err
}

// dumpable is the process's present state, so that a relaxed one stays as it is.
func dumpable() uintptr {
	now, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return 0
	}
	return uintptr(now)
}
