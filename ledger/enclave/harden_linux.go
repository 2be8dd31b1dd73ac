package enclave

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	allthreads "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

func noCoreDumps() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("set the limit of core dumps: %w", err)
	}
	return nil
}

// notDumpable also refuses ptrace and /proc/PID/mem to whoever is not root.
func notDumpable() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("set not dumpable: %w", err)
	}
	return nil
}

// lockMemory locks pages once they are used: the runtime reserves far more than it ever touches.
func lockMemory() error {
	if err := mayLockMemory(); err != nil {
		return err
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("lock memory: %w", err)
	}
	return nil
}

// mayLockMemory wants no limit at all: under one, it is a later growth of memory that fails, and the process with it.
func mayLockMemory() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return fmt.Errorf("read the limit of locked memory: %w", err)
	}
	if limit.Cur == unix.RLIM_INFINITY || hasCapability(unix.CAP_IPC_LOCK) {
		return nil
	}
	return fmt.Errorf("the limit of locked memory is %d bytes, and must be unlimited (LimitMEMLOCK=infinity, ulimit -l): turn swap off meanwhile, or encrypt it", limit.Cur)
}

func hasCapability(number uint) bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	set, err := strconv.ParseUint(statusField(status, "CapEff"), 16, 64)
	return err == nil && set>>number&1 == 1
}

func noNewPrivileges() error {
	if err := allthreads.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no new privileges: %w", err)
	}
	return onAllThreads("NoNewPrivs", "1")
}

// onAllThreads reads back what the kernel says of every thread.
func onAllThreads(field, want string) error {
	threads, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(threads) == 0 {
		return errors.Join(err, errors.New("cannot be read back: /proc is not mounted"))
	}
	for _, thread := range threads {
		status, err := os.ReadFile(thread)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			return err
		}
		if got := statusField(status, field); got != want {
			return fmt.Errorf("%s of a thread is %q, want %s", field, got, want)
		}
	}
	return nil
}

func statusField(status []byte, field string) string {
	for line := range bytes.Lines(status) {
		if value, ok := strings.CutPrefix(string(line), field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
