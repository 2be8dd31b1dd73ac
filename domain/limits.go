package domain

// Limits of one command. Each has its own refusal; nothing is ever truncated.
const (
	// MaxCommandBytes bounds the signed bytes of one command or observation (documents ride inside).
	MaxCommandBytes = 1 << 20
	// MaxPrivate bounds the private values of one command, MaxPrivateReaders the readers of one beside sender and subject.
	MaxPrivate        = 16
	MaxPrivateReaders = 8
	// MaxPrivateBytes bounds one disclosure: salt, name and value in base64url.
	MaxPrivateBytes = 8 << 10
	// MinSaltBytes is the least salt of a disclosure: 128 bits, so that no digest can be guessed at.
	MinSaltBytes = 16
	// MaxSubmissionBytes bounds a signed command with all its disclosures.
	MaxSubmissionBytes = MaxCommandBytes + 1 + MaxPrivate*(MaxPrivateBytes+1)
	// MaxEvidence bounds the observations ordered with one command.
	MaxEvidence = 1000
	// MaxBulk bounds the items of one bulk command: payments, or policies.
	MaxBulk = 1000
	// MaxPostings bounds the postings of one command: two for each item of a bulk.
	MaxPostings = 2 * MaxBulk
	// MaxValueDaysBack and MaxValueDaysAhead bound how far a posting's value date lies from the day of booking.
	MaxValueDaysBack  = 366
	MaxValueDaysAhead = 366
	// MaxPostingReads bounds the earlier postings that a contract may look up for one command.
	MaxPostingReads = 4
	// MaxDeadlines bounds the deadlines that one command may set or cancel.
	MaxDeadlines = MaxBulk
	// MaxWatches bounds the watches that one command may set or close.
	MaxWatches = MaxBulk
	// MaxWrites bounds the records that one command may write: four for each item of a bulk,
	// and those that all items share.
	MaxWrites = 4*MaxBulk + 96
	// MaxEvents bounds the events of one command: one for each item of a bulk, and those about all.
	MaxEvents = MaxBulk + 24
	// MaxRecordParties bounds the parties that may see one record or event: all members, and those concerned.
	MaxRecordParties = 80
	// MaxScan bounds one Scan of a View.
	MaxScan = 1000
	// MaxMinor is the largest amount, 2^53-1 minor units, so that every JSON reader keeps it exact.
	MaxMinor = 1<<53 - 1
	// MaxScale bounds the power of ten in a decimal that is rounded to money, either way: ten
	// bytes of text, "1e99999999", must not cost a gigabyte of digits.
	MaxScale = 1000
	// MaxCommandLifetime is the longest a command may wait between signing and ordering, in milliseconds (24 h).
	MaxCommandLifetime Millis = 24 * 60 * 60 * 1000
)
