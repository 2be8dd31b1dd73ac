package enclave

// The measures by which a process keeps others out of its memory, and itself inside its folder.
const (
	CoreDumps      = "core-dumps"
	MemoryAccess   = "memory-access"
	MemoryLock     = "memory-lock"
	NewPrivileges  = "new-privileges"
	SystemCalls    = "system-calls"
	Files          = "files"
	Network        = "network"
	OtherProcesses = "other-processes"
)

// The states of a measure.
const (
	MeasureOn          = "on"
	MeasureOff         = "off"
	MeasureUnavailable = "unavailable"
)

// Measure is one measure of hardening, and how it went.
type Measure struct {
	Name  string `json:"measure"`
	State string `json:"state"`
	// Does says what it is for, Why why it is not on; empty if it is.
	Does string `json:"does"`
	Why  string `json:"why,omitempty"`
	// Check is a command that shows it from outside; PID stands for the process.
	Check string `json:"check"`
}

// explained is how to look at what the kernel shows nobody.
const explained = "the same command with --explain-hardening"

// measures are the texts of all measures, in the order in which they are taken.
var measures = []Measure{
	{Name: CoreDumps, Does: "a crash writes no memory to a disk", Check: "grep 'Max core file size' /proc/PID/limits"},
	{Name: MemoryAccess, Does: "processes of the same user can neither trace it nor read its memory (root can)", Check: "gcore PID"},
	{Name: MemoryLock, Does: "memory never goes to swap", Check: "grep VmLck /proc/PID/status"},
	{Name: NewPrivileges, Does: "no program it could start gains rights", Check: "grep NoNewPrivs /proc/PID/task/*/status"},
	{Name: SystemCalls, Does: "starting programs, tracing, mounting, loading code into the kernel and other ways out are refused", Check: "grep Seccomp: /proc/PID/task/*/status"},
	{Name: Files, Does: "opens nothing outside its folder but what names and certificates of services need", Check: explained},
	{Name: Network, Does: "opens no new port, and connects to none but those of the configured services", Check: explained},
	{Name: OtherProcesses, Does: "signals no process but itself, and reaches no abstract socket", Check: explained},
}

// Measures gives the names of all measures, in order.
func Measures() []string {
	var names []string
	for _, m := range measures {
		names = append(names, m.Name)
	}
	return names
}

// Reach is what a confined process may still use. Everything it holds open stays open.
type Reach struct {
	// Folders are read and written.
	Folders []string
	// Devices are read, written and controlled, where they are.
	Devices []string
	// Ports are those, TCP, that it connects to, on any machine. With any, name resolution works too.
	Ports []uint16
}

// Harden takes the measures that protect the memory of this process and all its threads: before it reads a
// secret. Relaxed names measures to leave out, each with the reason. What this machine cannot do is
// reported and no error.
func Harden(relaxed map[string]string) []Measure {
	return take(relaxed, map[string]func() error{
		CoreDumps: noCoreDumps, MemoryAccess: notDumpable, MemoryLock: lockMemory, NewPrivileges: noNewPrivileges, SystemCalls: filterSystemCalls,
	})
}

// Confine keeps the process and all its threads within reach, for good: once it listens on its addresses.
// As Harden it reports what cannot be done.
func Confine(relaxed map[string]string, r Reach) []Measure {
	confined := confine(relaxed, r)
	steps := map[string]func() error{}
	for _, name := range []string{Files, Network, OtherProcesses} {
		steps[name] = func() error { return confined[name] }
	}
	return take(relaxed, steps)
}

func take(relaxed map[string]string, steps map[string]func() error) []Measure {
	var taken []Measure
	for _, m := range measures {
		step, ok := steps[m.Name]
		if !ok {
			continue
		}
		m.State = MeasureOn
		if reason := relaxed[m.Name]; reason != "" {
			m.State, m.Why = MeasureOff, "relaxed by the configuration: "+reason
		} else if err := step(); err != nil {
			m.State, m.Why = MeasureUnavailable, err.Error()
		}
		taken = append(taken, m)
	}
	return taken
}

// DevicesOf is what a platform talks to whenever it quotes or seals.
func DevicesOf(p Platform) []string {
	if t, ok := p.(*TPM); ok {
		return []string{t.config.Device}
	}
	return []string{"/dev/sev-guest", "/dev/tdx_guest", "/dev/nsm", "/sys/kernel/config/tsm"}
}
