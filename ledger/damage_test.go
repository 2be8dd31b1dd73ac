package ledger_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/order"
	"aval/ledger/sqlite"
	"aval/ledger/sqlite/faultdisk"
	"aval/ledger/sqlite/pagesum"
)

// A ledger on a disk, and what it answers.
type recorded struct {
	w        *ledgertest.World
	ids      []string // of acme's commands
	holds    []domain.RecordID
	answers  []string
	database []byte // as closed
	// killed and log are the database and its log as a killed process leaves them.
	killed, log []byte
}

// The commands of a ledger with complete tiles and trees of several levels, and of one with a short log.
const (
	manyTransfers = 150
	fewTransfers  = 20
)

// record writes a ledger, and reads everything that a party can read.
func record(t *testing.T, transfers int, during func(*recorded, *faultdisk.Disk, *ledgertest.Node)) *recorded {
	t.Helper()
	disk := newDisk(t)
	r := &recorded{w: ledgertest.NewWorld(t)}
	store, err := sqlite.Create(diskDatabase, sqlite.OnVFS(disk.Name()))
	if err != nil {
		t.Fatal(err)
	}
	n := r.w.MustStart(store)
	bank, acme := n.Register("bank", domain.RoleBank), n.Register("acme")
	n.MustSubmit(r.w.Command(bank, domain.CashKind, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(100_000)}))
	for i := range transfers {
		name, o := "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}
		if i%4 == 0 {
			name, o = "hold", ledgertest.Order{Amount: usd(1), At: r.w.Clock.Millis() + 3_600_000}
		}
		contract := fmt.Sprint("c", i)
		if name == "hold" {
			r.holds = append(r.holds, domain.NewRecordID(domain.CashKind, "hold/"+contract))
		}
		r.ids = append(r.ids, n.MustSubmit(r.w.Command(acme, domain.CashKind, contract, name, o)).ID)
		if i%8 == 0 { // a closed record
			r.ids = append(r.ids, n.MustSubmit(r.w.Command(acme, domain.CashKind, contract, "close", ledgertest.Order{})).ID)
		}
	}
	r.answers = r.ask(n.Engine)
	if i := slices.IndexFunc(r.answers, isFailed); i >= 0 {
		t.Fatal(r.answers[i])
	}
	if during != nil {
		during(r, disk, n)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	r.killed, r.log = disk.ReadFile(diskDatabase), disk.ReadFile(diskDatabase+"-wal")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	r.database = disk.ReadFile(diskDatabase)
	return r
}

const failed = "failed: "

func isFailed(answer string) bool {
	return len(answer) >= len(failed) && answer[:len(failed)] == failed
}

// ask reads everything, in order.
func (r *recorded) ask(e *ledger.Engine) (answers []string) {
	note := func(answer any, err error) {
		if err != nil {
			answers = append(answers, failed+err.Error())
			return
		}
		text, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		answers = append(answers, string(text))
	}
	for _, party := range []domain.PartyID{"acme", "bank"} {
		note(e.Accounts(party))
		for from := uint64(0); from < e.Size(); from += 20 {
			note(e.Feed(party, ledger.FeedFilter{From: from, Limit: 5}))
		}
		note(e.Records(party, ledger.RecordFilter{Kind: domain.CashKind, Limit: 1000}))
	}
	for _, id := range r.ids {
		note(e.Status("acme", id))
	}
	for _, id := range r.holds {
		note(e.Record("acme", id))
	}
	for index := uint64(5); index < e.Size(); index += 2 {
		if receipt, err := e.Receipt(context.Background(), "acme", index); err == nil {
			d, err := ledger.OpenReceipt(e.Policy(), receipt)
			note(d, err)
		}
	}
	if e.Size() > 256 {
		note(e.Tile(0, 0, 256))
		note(e.Tile(-1, 0, 256))
		note(e.Tile(1, 0, 1))
	}
	note(e.Checkpoint())
	return answers
}

// on opens a damaged ledger and compares its answers. It gives how many were refused.
func (r *recorded) on(t *testing.T, disk *faultdisk.Disk) (refused int, err error) {
	t.Helper()
	store, err := sqlite.Open(diskDatabase, sqlite.OnVFS(disk.Name()))
	if err != nil {
		return 0, err
	}
	defer store.Close()
	e, err := ledger.Open(ledger.Config{
		Keys: r.w.Keys, Store: store, Orderer: order.NewSolo(r.w.Clock.Now), Contracts: ledgertest.Contracts(), Codecs: ledgertest.Codecs(),
	})
	if err != nil {
		return 0, err
	}
	return r.compare(t, e), nil
}

// compare asks everything and wants each answer as before, or none.
func (r *recorded) compare(t *testing.T, e *ledger.Engine) (refused int) {
	t.Helper()
	answers := r.ask(e)
	if len(answers) != len(r.answers) {
		refused += len(r.answers) - len(answers) // receipts
	}
	want := map[string]bool{}
	for _, answer := range r.answers {
		want[answer] = true
	}
	for _, answer := range answers {
		if isFailed(answer) {
			refused++
		} else if !want[answer] {
			t.Errorf("changed answer: %.300s", answer)
		}
	}
	return refused
}

func (r *recorded) verify(disk *faultdisk.Disk) (ledger.Report, error) {
	snapshot, err := sqlite.OpenSnapshot(diskDatabase, sqlite.OnVFS(disk.Name()))
	if err != nil {
		return ledger.Report{}, err
	}
	defer snapshot.Close()
	report, err := ledger.Verify(r.w.Keys, snapshot, ledgertest.Contracts(), ledgertest.Codecs())
	return report, errors.Join(err, snapshot.Check())
}

// damages are what a disk does to a page.
var damages = []struct {
	name string
	do   func(page []byte, chance *rand.Rand)
}{
	{"bit", func(page []byte, chance *rand.Rand) { page[chance.IntN(len(page))] ^= 1 << chance.IntN(8) }},
	{"zeros", func(page []byte, _ *rand.Rand) { clear(page) }},
	{"noise", func(page []byte, chance *rand.Rand) {
		for i := range page {
			page[i] = byte(chance.Uint32())
		}
	}},
}

// Every page of a closed ledger's database, damaged in three ways: verification finds it, and no
// answer of a node that runs on it is another than before. Only pages that the list of free ones
// names as unused may go unnoticed.
func TestEveryDamagedPage(t *testing.T) {
	r := record(t, manyTransfers, nil)
	disk := newDisk(t)
	pages := len(r.database) / pagesum.PageSize
	if pages < 30 || len(r.database)%pagesum.PageSize != 0 {
		t.Fatalf("database of %d bytes", len(r.database))
	}
	free, found, refused := freePages(r.database), 0, 0
	for page := range pages {
		for i, damage := range damages {
			changed := slices.Clone(r.database)
			damage.do(changed[page*pagesum.PageSize:][:pagesum.PageSize], rand.New(rand.NewPCG(uint64(page), uint64(i))))
			disk.WriteFile(diskDatabase, changed)
			if _, err := r.verify(disk); err == nil && !free[page+1] {
				t.Errorf("page %d of %d, %s: not found", page+1, pages, damage.name)
			} else if err != nil {
				found++
			}
			if i > 0 {
				continue // all three are the same to a sum
			}
			n, err := r.on(t, disk)
			if err != nil || n > 0 {
				refused++
			}
			if err != nil && !errors.Is(err, sqlite.ErrCorrupt) {
				t.Errorf("page %d, %s: opened with %v", page+1, damage.name, err)
			}
		}
	}
	t.Logf("%d pages, %d of them free: %d of %d damages found, %d kept a node from opening or answering", pages, len(free), found, pages*len(damages), refused)
	if len(free) > pages/4 || refused < pages/2 {
		t.Error("the test reads too little")
	}
}

// freePages are the numbers of the pages that hold nothing: the leaves of the list of free pages,
// https://sqlite.org/fileformat2.html section 1.5.
func freePages(database []byte) map[int]bool {
	free := map[int]bool{}
	number := func(at int) int { return int(binary.BigEndian.Uint32(database[at:])) }
	for trunk := number(32); trunk != 0; {
		at := (trunk - 1) * pagesum.PageSize
		for i := range number(at + 4) {
			free[number(at+8+4*i)] = true
		}
		trunk = number(at)
	}
	return free
}

// Every frame of the log of a killed node, damaged in its header and in its page. What was durable
// before the last transaction is never forgotten in silence.
func TestEveryDamagedFrame(t *testing.T) {
	r := record(t, fewTransfers, nil)
	disk := newDisk(t)
	disk.WriteFile(diskDatabase, r.killed)
	disk.WriteFile(diskDatabase+"-wal", r.log)
	sound, err := r.verify(disk)
	if err != nil {
		t.Fatal(err)
	}
	const frame = pagesum.PageSize + 24
	commits := commitFrames(r.log)
	last := commits[len(commits)-2] // the frames after this one are the last transaction
	forgotten := 0
	for i := 0; 32+(i+1)*frame <= len(r.log); i++ {
		chance := rand.New(rand.NewPCG(uint64(i), 0))
		for name, at := range map[string]int{
			"page number": chance.IntN(4), "size": 4 + chance.IntN(4), "salt": 8 + chance.IntN(8), "sum": 16 + chance.IntN(8), "page": 24 + chance.IntN(pagesum.PageSize),
		} {
			changed := slices.Clone(r.log)
			changed[32+i*frame+at] ^= 1 << chance.IntN(8)
			disk.WriteFile(diskDatabase, r.killed)
			disk.WriteFile(diskDatabase+"-wal", changed)
			report, err := r.verify(disk)
			switch {
			case errors.Is(err, sqlite.ErrCorrupt):
			case err != nil:
				t.Errorf("frame %d, %s: %v", i, name, err)
			case i < last || i == last && (name == "page" || name == "page number" || name == "sum"):
				t.Errorf("frame %d of %d, %s: not found, %d leaves of %d", i, len(r.log)/frame, name, report.Leaves, sound.Leaves)
			default:
				forgotten++
			}
			if i < last {
				if _, err := r.on(t, disk); !errors.Is(err, sqlite.ErrCorrupt) {
					t.Errorf("frame %d, %s: opened with %v", i, name, err)
				}
			}
		}
	}
	t.Logf("%d frames in %d transactions; the last has %d: %d damages look like a loss of power", len(r.log)/frame, len(commits), commits[len(commits)-1]-last, forgotten)
}

func commitFrames(log []byte) (commits []int) {
	const frame = pagesum.PageSize + 24
	for i := 0; 32+(i+1)*frame <= len(log); i++ {
		if binary.BigEndian.Uint32(log[32+i*frame+4:]) != 0 {
			commits = append(commits, i)
		}
	}
	return commits
}

// The log of a running node is damaged under it: the node answers as before, or not.
func TestFramesDamagedUnderANode(t *testing.T) {
	const frame = pagesum.PageSize + 24
	refused := 0
	record(t, manyTransfers, func(r *recorded, disk *faultdisk.Disk, n *ledgertest.Node) {
		for _, every := range []int{1, 2, 3, 5, 7, 11} {
			log := disk.ReadFile(diskDatabase + "-wal")
			changed := slices.Clone(log)
			for i := every - 1; 32+(i+1)*frame <= len(log); i += every {
				changed[32+i*frame+24+i%pagesum.PageSize] ^= 1
			}
			disk.WriteFile(diskDatabase+"-wal", changed)
			// Whatever is written makes every connection forget the pages that it remembers.
			if err := n.Store.Quarantine(1, "test", []byte("sealed"), 1); err != nil && !errors.Is(err, sqlite.ErrCorrupt) {
				t.Error(err)
			}
			refused += r.compare(t, n.Engine)
			disk.WriteFile(diskDatabase+"-wal", log)
		}
	})
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}
