package ledger_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

const (
	submitters = 64
	perSender  = 6
)

// Everybody at once: submitters, readers of every kind, waiters for news. The race detector
// watches; every receipt verifies and every waiter sees every entry.
func TestEverybodyAtOnce(t *testing.T) {
	w := ledgertest.NewWorld(t)
	n := w.MustStart(ledgertest.NewMemory())
	bank := n.Register("bank", domain.RoleBank)
	n.Register("acme")
	n.Register("auditor", domain.RoleAuditor)
	n.MustSubmit(w.Command(bank, domain.CashKind, "c", "issue", ledgertest.Order{To: "bank", Amount: usd(1_000_000)}))
	first := n.Size()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stop := make(chan struct{})
	var readers, waiters, senders sync.WaitGroup
	for _, read := range readEverything(n) {
		readers.Go(func() {
			for {
				if err := read(); err != nil {
					t.Errorf("reader: %v", err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for _, viewer := range []domain.PartyID{"acme", "auditor"} {
		waiters.Go(func() { waitForNews(ctx, t, n, viewer, first) })
	}
	replies := make(chan ledger.Reply, submitters*perSender)
	for s := range submitters {
		senders.Go(func() { send(ctx, t, n, bank, s, replies) })
	}
	senders.Wait()
	waiters.Wait()
	close(stop)
	readers.Wait()
	close(replies)
	checkReplies(t, n, replies)
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	w.MustVerify(n.Store)
}

// send submits holds, transfers, and each of them twice.
func send(ctx context.Context, t *testing.T, n *ledgertest.Node, bank *envelope.Signer, s int, replies chan<- ledger.Reply) {
	for i := range perSender {
		raw := n.World.Command(bank, domain.CashKind, "c", "transfer", ledgertest.Order{To: "acme", Amount: usd(1)})
		if i == 0 {
			raw = n.World.Command(bank, domain.CashKind, fmt.Sprintf("h%d", s), "hold", ledgertest.Order{Amount: usd(1), At: n.World.Clock.Millis() + 100})
			n.World.Clock.Add(5 * time.Millisecond)
			n.Solo.Wake()
		}
		var twice [2]ledger.Reply
		var both sync.WaitGroup
		for k := range twice {
			both.Go(func() {
				var err error
				if twice[k], err = n.Submit(ctx, ledger.CommandFormat, raw, ledger.ForReceipt); err != nil {
					t.Errorf("submit: %v", err)
				}
			})
		}
		both.Wait()
		if twice[0].Index != twice[1].Index || twice[0].Duplicate == twice[1].Duplicate {
			t.Errorf("sent twice: %d and %d, duplicates %v and %v", twice[0].Index, twice[1].Index, twice[0].Duplicate, twice[1].Duplicate)
		}
		replies <- twice[0]
	}
}

// waitForNews reads the feed as the event stream does: take the channel, read, wait.
func waitForNews(ctx context.Context, t *testing.T, n *ledgertest.Node, viewer domain.PartyID, from uint64) {
	const transfers = submitters * (perSender - 1)
	for heard := 0; heard < transfers; {
		changed := n.Changed()
		for {
			feed, err := n.Feed(viewer, ledger.FeedFilter{From: from, Limit: 50})
			if err != nil {
				t.Errorf("%s: %v", viewer, err)
				return
			}
			if len(feed.Entries) == 0 {
				break
			}
			for _, entry := range feed.Entries {
				if entry.Index < from {
					t.Errorf("%s: index %d twice", viewer, entry.Index)
				}
				if from = entry.Index + 1; entry.Name == "transfer" {
					heard++
				}
			}
		}
		if heard == transfers {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Errorf("%s: heard of %d transfers of %d", viewer, heard, transfers)
			return
		}
	}
}

func readEverything(n *ledgertest.Node) []func() error {
	ctx := context.Background()
	return []func() error{
		func() error {
			page, err := n.Records("auditor", ledger.RecordFilter{Kind: domain.CashKind, Limit: 20})
			for _, record := range page.Records {
				if _, err := n.Record("auditor", record.ID); err != nil {
					return err
				}
			}
			return err
		},
		func() error {
			size := n.Size()
			for index := uint64(0); index < size; index += 7 {
				receipt, err := n.Receipt(ctx, "auditor", index)
				if err != nil {
					continue // a seal
				}
				if _, err := ledger.OpenReceipt(n.Policy(), receipt); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { // what is under the checkpoint can always be proven by its tiles
			if _, err := n.Checkpoint(); err != nil {
				return err
			}
			size := n.Size()
			for _, level := range []int{-1, 0} {
				if _, err := n.Tile(level, (size-1)/256, int((size-1)%256)+1); err != nil {
					return err
				}
			}
			return nil
		},
		func() error {
			for currency, sum := range n.Sums() {
				if sum != 0 {
					return fmt.Errorf("%s sums to %d", currency, sum)
				}
			}
			n.Watches()
			n.NextDue()
			_, err := n.Accounts("auditor")
			return err
		},
	}
}

func checkReplies(t *testing.T, n *ledgertest.Node, replies <-chan ledger.Reply) {
	seen := map[uint64]bool{}
	for reply := range replies {
		if seen[reply.Index] || reply.Code != "" {
			t.Errorf("%+v, seen before: %v", reply, seen[reply.Index])
		}
		seen[reply.Index] = true
		d, err := ledger.OpenReceipt(n.Policy(), []byte(reply.Receipt))
		if err != nil || d.ID != reply.ID || d.Index != reply.Index {
			t.Errorf("receipt of %d: %+v, %v", reply.Index, d, err)
		}
	}
	if len(seen) != submitters*perSender {
		t.Errorf("%d commands answered, want %d", len(seen), submitters*perSender)
	}
}
