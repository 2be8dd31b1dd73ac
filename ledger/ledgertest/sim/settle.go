package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aval/domain"
	"aval/ledger"
)

var background = context.Background()

// settled says that the oldest batch in flight is durable: the model follows, and everything
// is compared.
func (s *simulation) settled() error {
	if _, dead := s.Storage.State(); dead {
		s.flights[0].promised = true
		return s.crash("the power goes")
	}
	b := s.flights[0].batch
	s.flights = s.flights[1:]
	outcomes, err := s.compareBatch(b)
	if err != nil {
		return fmt.Errorf("batch %d: %w", b.Sequence, err)
	}
	for i, item := range b.Items {
		c := s.calls[&item.Raw[0]]
		if c == nil || c.ticket == nil {
			continue
		}
		delete(s.calls, &item.Raw[0])
		c.answered = true
		if err := s.answer(c, outcomes[i]); err != nil {
			return fmt.Errorf("submission %d (%s %s %s): %w", c.n, c.holder, c.kind, c.name, err)
		}
	}
	return nil
}

// compareBatch compares with the disk well.
func (s *simulation) compareBatch(b ledger.Batch) ([]outcome, error) {
	failIn, flipIn := s.disk.failIn, s.disk.flipIn
	s.disk.failIn, s.disk.flipIn = 0, 0
	defer func() { s.disk.failIn, s.disk.flipIn = failIn, flipIn }()
	outcomes, err := s.follow(b)
	if err != nil {
		return nil, err
	}
	return outcomes, s.checkState()
}

// follow applies a batch to the model and compares its entries with those of the engine.
func (s *simulation) follow(b ledger.Batch) ([]outcome, error) {
	s.report.Batches++
	base := uint64(len(s.model.log))
	var entries []*entry
	var outcomes []outcome
	if base == 0 {
		entries = s.model.genesis(s.clients.signers[string(root)][0].Key.ID, b.Sequence, b.Now)
		outcomes = make([]outcome, len(b.Items))
	} else {
		items := make([]*submission, len(b.Items))
		for i, item := range b.Items {
			items[i] = s.calls[&item.Raw[0]].submission
		}
		entries, outcomes = s.model.apply(b.Sequence, b.Now, items)
	}
	for _, o := range outcomes {
		if o.duplicate {
			s.report.Duplicates++
		}
	}
	if len(entries) == 0 {
		return outcomes, nil
	}
	if err := s.compareEntries(entries); err != nil {
		return nil, err
	}
	return outcomes, s.book.write(base)
}

// compareEntries reads the newest entries as the auditor and compares them one by one.
func (s *simulation) compareEntries(want []*entry) error {
	views, err := s.feed(root, want[0].index, len(want)+1)
	if err != nil {
		return err
	}
	if len(views) != len(want) {
		return fmt.Errorf("%d entries from index %d, want %d", len(views), want[0].index, len(want))
	}
	for i, e := range want {
		if err := e.compare(views[i], ""); err != nil {
			return err
		}
		e.code = views[i].Code
		s.report.Entries++
		s.report.Seen[strings.TrimSpace(fmt.Sprintf("%s %s %s", e.kind, e.name, e.code))]++
		if e.code != "" {
			s.report.Refusals++
		}
		if e.from == nil {
			s.report.Deadlines++
		}
		s.trace.line("entry %d: %s %s %s %q", e.index, e.kind, e.contract, e.name, e.code)
	}
	return nil
}

// compare holds a view of an entry against the entry; a viewer sees postings on its own
// accounts only.
func (e *entry) compare(v ledger.EntryView, viewer domain.PartyID) error {
	same := v.Index == e.index && v.Sequence == e.sequence && v.BookedAt == e.now && v.Kind == e.kind &&
		v.Contract == e.contract && v.Name == e.name
	if !same {
		return fmt.Errorf("entry is %d %d %d %s %s %s, want %d %d %d %s %s %s", v.Index, v.Sequence, v.BookedAt, v.Kind,
			v.Contract, v.Name, e.index, e.sequence, e.now, e.kind, e.contract, e.name)
	}
	if !e.verdict.allows(v.Code) {
		return fmt.Errorf("entry %d (%s %s): code %q %s, allowed %v", e.index, e.kind, e.name, v.Code, v.Detail, e.verdict)
	}
	var got []posting
	for _, p := range v.Postings {
		got = append(got, posting{string(p.Debit), string(p.Credit), p.Amount})
	}
	if want := e.postingsOf(viewer); !slices.Equal(got, want) {
		return fmt.Errorf("entry %d (%s %s): postings %v, want %v", e.index, e.kind, e.name, got, want)
	}
	return nil
}

func (e *entry) postingsOf(viewer domain.PartyID) []posting {
	if viewer == "" {
		return e.postings
	}
	var own []posting
	for _, p := range e.postings {
		if owns(viewer, p.from) || owns(viewer, p.to) {
			own = append(own, p)
		}
	}
	return own
}

func owns(p domain.PartyID, account string) bool {
	return account == partyAccount(p) || account == issueAccount(p)
}

// answer compares what a client hears with what it should hear.
func (s *simulation) answer(c *call, o outcome) error {
	select {
	case <-c.ticket.Done():
	default:
		return errors.New("the batch is durable and nobody was told")
	}
	reply, err := c.ticket.Reply(background, c.wait)
	var refusal *domain.Rejection
	if errors.As(err, &refusal) {
		s.trace.line("reply %d: %s", c.n, refusal.Code)
		if o.refused.success() || !o.refused.allows(refusal.Code) {
			return fmt.Errorf("refused without a trace: %w, allowed %v", err, o.refused)
		}
		s.untraced(refusal.Code)
		return nil
	}
	if err != nil {
		if s.disk.failing() {
			s.unanswered = append(s.unanswered, c.submission)
			return nil
		}
		return err
	}
	if s.Plant.Answer != nil {
		reply = s.Plant.Answer(reply)
	}
	return s.checkReply(c, o, reply)
}

func (s *simulation) checkReply(c *call, o outcome, r ledger.Reply) error {
	if !o.refused.success() {
		return fmt.Errorf("answered %q at index %d, want a refusal %v", r.Code, r.Index, o.refused)
	}
	e := o.entry
	s.trace.line("reply %d: %d %q %v", c.n, r.Index, r.Code, r.Duplicate)
	if r.ID != e.from.id || r.Index != e.index || r.Sequence != e.sequence || r.BookedAt != e.now || r.Code != e.code || r.Duplicate != o.duplicate {
		return fmt.Errorf("reply %s %d %d %d %q %v, want %s %d %d %d %q %v", r.ID, r.Index, r.Sequence, r.BookedAt, r.Code, r.Duplicate,
			e.from.id, e.index, e.sequence, e.now, e.code, o.duplicate)
	}
	if err := s.checkPrivate(e); err != nil {
		return err
	}
	if c.wait != ledger.ForReceipt || e.sender == "" {
		return nil
	}
	return s.book.receive(r.Receipt, e, e.sender)
}

// checkPrivate wants the private value of an accepted command, for who may read it, and none of a refused one,
// nor of somebody who was erased.
func (s *simulation) checkPrivate(e *entry) error {
	if e.from.digest == "" || s.disk.failing() {
		return nil
	}
	kept := e.code == "" && !s.model.erased(e.from.subject)
	for _, viewer := range []domain.PartyID{e.from.subject, e.sender, "nobody"} {
		got, err := s.engine.Private(viewer, e.from.digest)
		if found := err == nil && string(got.Value) == `"whispered"`; found != (viewer != "nobody" && kept) && !s.disk.failing() {
			return wrong("private value of entry %d for %q: read %v, want %v: %v", e.index, viewer, found, kept, err)
		}
	}
	return nil
}

// feed reads what a viewer may see, page by page, up to a number.
func (s *simulation) feed(viewer domain.PartyID, from uint64, limit int) ([]ledger.EntryView, error) {
	var all []ledger.EntryView
	for len(all) < limit {
		page, err := s.engine.Feed(viewer, ledger.FeedFilter{From: from, Limit: min(limit-len(all), ledger.MaxPage)})
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Entries...); page.Next == nil {
			break
		}
		from = *page.Next
	}
	return all, nil
}

// checkState compares everything that is cheap to compare with the model.
func (s *simulation) checkState() error {
	e, m := s.engine, s.model
	if e.Size() != uint64(len(m.log)) || e.Now() != m.now || e.NextDue() != m.nextDue() {
		return fmt.Errorf("size %d, time %d, next due %d; want %d, %d, %d", e.Size(), e.Now(), e.NextDue(), len(m.log), m.now, m.nextDue())
	}
	for currency, sum := range e.Sums() {
		if sum != 0 {
			return fmt.Errorf("%s sums to %d", currency, sum)
		}
	}
	if err := s.checkAccounts(root); err != nil {
		return err
	}
	open := map[string]domain.Millis{}
	for _, w := range e.Watches() {
		open[w.Watch.Subject] = w.Watch.Until
	}
	for subject, until := range m.watches {
		if until >= m.now && open[subject] != until {
			return fmt.Errorf("watch on %s until %d, want %d", subject, open[subject], until)
		}
		delete(open, subject)
	}
	if len(open) > 0 {
		return fmt.Errorf("watches that should be closed: %v", open)
	}
	return nil
}

// checkAccounts compares the balances that a viewer sees.
func (s *simulation) checkAccounts(viewer domain.PartyID) error {
	accounts, err := s.engine.Accounts(viewer)
	if err != nil {
		return err
	}
	seen := 0
	for _, a := range accounts {
		want := s.model.balances[money{string(a.Account), a.Balance.Currency}]
		if a.Balance.Minor != want || viewer != root && !owns(viewer, string(a.Account)) {
			return fmt.Errorf("%s sees %d %s on %s, want %d", viewer, a.Balance.Minor, a.Balance.Currency, a.Account, want)
		}
		if a.Balance.Minor != 0 { // an empty account is listed for what is held beside it
			seen++
		} else if a.Held == nil || a.Held.Minor <= 0 {
			return fmt.Errorf("%s sees an account without money: %s in %s", viewer, a.Account, a.Balance.Currency)
		}
	}
	for b := range s.model.balances {
		if viewer == root || owns(viewer, b.account) {
			seen--
		}
	}
	if seen != 0 {
		return fmt.Errorf("%s sees %d accounts too many", viewer, seen)
	}
	return nil
}
