package sim

import (
	"errors"
	"fmt"
	"slices"

	"aval/domain"
	"aval/ledger"
)

// look reads as one party would, and compares. A read that fails is no wrong answer while
// the disk does.
func (s *simulation) look() error {
	s.disk.fired = false
	viewer := pick(s.chance, append(people, root))
	var err error
	switch s.chance.IntN(8) {
	case 0:
		err = s.checkAccounts(viewer)
	case 1:
		err = s.checkFeed(viewer, uint64(s.chance.IntN(len(s.model.log))), 20)
	case 2:
		err = s.checkStatus(viewer)
	case 3:
		err = s.checkReceipt(viewer)
	case 4:
		err = s.checkPast(viewer)
	case 5:
		err = s.book.checkServed()
	case 6:
		err = s.checkSecret(pick(s.chance, s.model.log))
	default:
		err = s.checkRecord(viewer)
	}
	if err != nil && s.disk.failing() && !errors.Is(err, errWrong) {
		return nil
	}
	return err
}

// errWrong marks an answer that is wrong, as opposed to none.
var errWrong = errors.New("wrong answer")

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errWrong, fmt.Errorf(format, args...))
}

// checkFeed compares what a viewer sees of the log from an index on.
func (s *simulation) checkFeed(viewer domain.PartyID, from uint64, limit int) error {
	views, err := s.feed(viewer, from, limit)
	if err != nil {
		return err
	}
	if viewer == root {
		viewer = ""
	}
	n := 0
	for _, e := range s.model.log[from:] {
		if e == nil || viewer != "" && !slices.Contains(e.viewers, viewer) {
			continue
		}
		if n == limit {
			break
		}
		if n == len(views) {
			return wrong("%s sees %d entries from %d on, index %d is missing", viewer, n, from, e.index)
		}
		if err := e.compare(views[n], viewer); err != nil {
			return wrong("%s: %w", viewer, err)
		}
		n++
	}
	if n != len(views) {
		return wrong("%s sees index %d, which it should not", viewer, views[n].Index)
	}
	return nil
}

// checkStatus asks for the first reply to some command ID.
func (s *simulation) checkStatus(viewer domain.PartyID) error {
	sub := pick(s.chance, s.clients.all)
	if sub.id == "" {
		return nil
	}
	want := s.model.done["command "+string(viewer)+" "+sub.id]
	r, err := s.engine.Status(viewer, sub.id)
	var refusal *domain.Rejection
	switch {
	case err != nil && !errors.As(err, &refusal):
		return err
	case err != nil && want != nil, err == nil && want == nil:
		return wrong("status of %s for %s: %v, want found %v", sub.id, viewer, err, want != nil)
	case want != nil && (r.Index != want.index || r.Code != want.code || r.ID != sub.id):
		return wrong("status of %s: %d %q, want %d %q", sub.id, r.Index, r.Code, want.index, want.code)
	}
	return nil
}

// checkReceipt asks for a receipt that the viewer may have or not.
func (s *simulation) checkReceipt(viewer domain.PartyID) error {
	e := pick(s.chance, s.model.log)
	if e == nil || viewer == root {
		return nil
	}
	receipt, err := s.engine.Receipt(background, viewer, e.index)
	var refusal *domain.Rejection
	sees := slices.Contains(e.viewers, viewer)
	switch {
	case err != nil && !errors.As(err, &refusal):
		return err
	case err != nil && sees, err == nil && !sees:
		return wrong("receipt %d for %s: %v, may see it %v", e.index, viewer, err, sees)
	case sees:
		if err := s.book.receive(string(receipt), e, viewer); err != nil {
			return wrong("receipt %d for %s: %w", e.index, viewer, err)
		}
	}
	return nil
}

// checkRecord asks for a record that the viewer may see or not.
func (s *simulation) checkRecord(viewer domain.PartyID) error {
	sub := pick(s.chance, s.clients.all)
	key, status, final, parties := s.model.record(sub)
	if key == "" {
		return nil
	}
	v, err := s.engine.Record(viewer, domain.NewRecordID(sub.kind, key))
	var refusal *domain.Rejection
	sees := viewer == root || slices.Contains(parties, viewer)
	switch {
	case err != nil && !errors.As(err, &refusal):
		return err
	case (err == nil) != (sees && status != ""):
		return wrong("record %s for %s: %v, status %q, may see it %v", key, viewer, err, status, sees)
	case err == nil && (v.Status != status || v.Final != final):
		return wrong("record %s is %s, final %v; want %s, %v", key, v.Status, v.Final, status, final)
	}
	return nil
}

// record is the record that a submission opened: its key, what it is now, and who may see it.
func (m *model) record(s *submission) (key, status string, final bool, parties []domain.PartyID) {
	if s.kind == domain.CashKind && s.name == "redeem" {
		if r := m.redemptions[s.wants.id]; r != nil {
			return "redemption/" + s.wants.id, r.status, r.final, []domain.PartyID{r.bank, r.holder}
		}
		return "redemption/" + s.wants.id, "", false, nil
	}
	if s.kind == domain.CashKind && s.name == "hold" {
		if h := m.holds[s.wants.id]; h != nil {
			return "hold/" + s.wants.id, h.status, h.final, []domain.PartyID{h.payer, h.payee}
		}
		return "hold/" + s.wants.id, "", false, nil
	}
	if s.kind == DepositKind && s.name == "open" {
		if d := m.deposits[s.contract]; d != nil {
			return "deposit/" + s.contract, d.status, d.final, []domain.PartyID{d.owner, d.to}
		}
		return "deposit/" + s.contract, "", false, nil
	}
	return "", "", false, nil
}

// end calms the world, answers everybody, and checks all there is to check.
func (s *simulation) end() error {
	s.quiet = true
	s.disk.calm()
	if s.behind() {
		s.clock = s.model.now + 1
	}
	for _, finish := range []func() error{s.drain, s.askAgain, s.drain, func() error { return s.crash("the end") }, s.checkAll, s.checkTrial, s.verify, s.book.verifyServed, s.book.close} {
		if err := finish(); err != nil {
			return fmt.Errorf("at the end: %w", err)
		}
	}
	return nil
}

// drain works until nothing waits.
func (s *simulation) drain() error {
	for len(s.flights) > 0 || s.line.ready(s.engine.NextDue()) {
		if err := s.turn(); err != nil {
			return err
		}
	}
	return nil
}

// askAgain sends everything once more that was not answered, and everything not yet sent.
func (s *simulation) askAgain() error {
	s.abandon()
	for _, sub := range append(s.unanswered, s.outbox...) {
		if err := s.offer(sub); err != nil {
			return err
		}
		if err := s.drain(); err != nil {
			return err
		}
	}
	for _, c := range s.waiting {
		if !c.answered {
			return fmt.Errorf("submission %d is never answered", c.n)
		}
	}
	return nil
}

// checkAll reads everything that every party may see.
func (s *simulation) checkAll() error {
	for _, viewer := range append([]domain.PartyID{root}, people...) {
		if err := s.checkFeed(viewer, 0, len(s.model.log)); err != nil {
			return err
		}
		if err := s.checkAccounts(viewer); err != nil {
			return err
		}
	}
	for _, e := range s.model.log {
		if err := s.checkSecret(e); err != nil {
			return err
		}
	}
	for range 3 * len(people) {
		if err := s.checkRecord(root); err != nil {
			return err
		}
	}
	return nil
}

// verify replays the log from its files, and the public part from the tiles.
func (s *simulation) verify() error {
	codecs := []domain.Codec{observationCodec}
	report, err := ledger.Verify(s.keys, s.disk.Store, s.Contracts, codecs)
	if err != nil {
		return err
	}
	want := s.book.roots[int64(len(s.model.log))]
	if report.Leaves != uint64(len(s.model.log)) || report.Entries != uint64(s.report.Entries) || report.Refusals != uint64(s.report.Refusals) ||
		string(report.Root) != string(want[:]) {
		return fmt.Errorf("the log verifies as %+v, want %d leaves, %d entries, %d refusals", report, len(s.model.log), s.report.Entries, s.report.Refusals)
	}
	s.report.Root = fmt.Sprintf("%x", want)
	return nil
}
