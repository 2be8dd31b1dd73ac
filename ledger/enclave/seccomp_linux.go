package enclave

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// refusedCalls is what a node never does and an intruder would: look into other processes, start programs, change what is
// mounted or which kernel runs, take other rights or another name space, or go around filters and logs.
var refusedCalls = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd", "userfaultfd",
	"execve", "execveat", "personality", "modify_ldt", "iopl", "ioperm",
	"mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "pivot_root", "chroot",
	"unshare", "setns", "swapon", "swapoff", "quotactl", "acct",
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "bpf", "perf_event_open", "syslog",
	"keyctl", "add_key", "request_key", "open_by_handle_at", "name_to_handle_at", "lookup_dcookie",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "munlock", "munlockall",
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
}

// refusedUses are system calls that are refused with these arguments only. Landlock does not see multipath TCP,
// so there is none: Go then listens by plain TCP. Being dumpable is not taken back.
var refusedUses = []seccomp.NameWithConditions{
	refusedIf("prctl", 0, seccomp.Equal, unix.PR_SET_DUMPABLE),
	refusedIf("socket", 2, seccomp.Equal, unix.IPPROTO_MPTCP),
	refusedIf("socket", 0, seccomp.Equal, unix.AF_PACKET),
	refusedIf("clone", 0, seccomp.BitsSet, unix.CLONE_NEWUSER),
}

func refusedIf(call string, argument uint32, is seccomp.Operation, value uint64) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{Name: call, Conditions: seccomp.ArgumentConditions{{Argument: argument, Operation: is, Value: value}}}
}

func filterSystemCalls() error {
	calls, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	refused := seccomp.SyscallGroup{Action: seccomp.ActionErrno, NamesWithCondtions: refusedUses}
	for _, name := range refusedCalls {
		if _, known := calls.SyscallNames[name]; known { // not every processor has all
			refused.Names = append(refused.Names, name)
		}
	}
	err = seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true, Flag: seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{refused}},
	})
	if err == nil {
		err = refuseForeignCalls(calls.ID)
	}
	if err != nil {
		return err
	}
	return onAllThreads("Seccomp", "2")
}

// x32Calls is the first of the numbers by which the same processor calls with short pointers, under the name of the same architecture.
const x32Calls = 0x40000000

// refuseForeignCalls closes the way around the filter above, which lets pass what is called by the numbers of another
// architecture, as 64-bit programs can call the 32-bit ones.
func refuseForeignCalls(own arch.AuditArch) error {
	const numberAt, architectureAt = 0, 4 // struct seccomp_data
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: architectureAt, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(own), SkipFalse: 3},
		bpf.LoadAbsolute{Off: numberAt, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32Calls, SkipTrue: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
	})
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if failed != 0 {
		return fmt.Errorf("refuse calls of other architectures: %w", failed)
	}
	return nil
}
