package embedfiles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"engram/data/laion"
	"engram/data/parquet"
	"engram/data/space"
	"engram/data/vfs"
	"engram/index"
	"engram/index/ingest"
	"engram/index/local"
)

// spool is the folder of the index in which the rows of a pair are gathered.
func (j Job) spool(p *pair) string { return filepath.Join(j.Dir, fmt.Sprintf(".pair-%d", p.number)) }

// make gathers the rows of a pair and publishes it.
func (j Job) make(ctx context.Context, all *plan, p *pair, meter *meter, report *Report) (err error) {
	if err := j.renew(p); err != nil {
		return err
	}
	if err := all.write(j.Dir); err != nil {
		return err
	}
	store, err := j.openSpool(p)
	if err != nil {
		return err
	}
	defer func() {
		if e := store.Close(); err == nil {
			err = e
		}
		if err == nil {
			err = os.RemoveAll(j.spool(p))
		}
	}()
	bad, err := j.gather(ctx, p, store, meter, report)
	if err != nil {
		return err
	}
	if bad, err = j.publish(ctx, all, p, store, bad); err != nil {
		return err
	}
	report.list(bad)
	return nil
}

// renew begins a pair anew whose shards have changed since it was begun.
func (j Job) renew(p *pair) error {
	changed := false
	for i, s := range p.source {
		changed = changed || p.Shards[i].Fingerprint != s.Fingerprint
		p.Shards[i].Fingerprint = s.Fingerprint
	}
	p.Finished, p.Rows, p.Bad = false, 0, 0
	if !changed {
		return nil
	}
	return os.RemoveAll(j.spool(p))
}

func (j Job) openSpool(p *pair) (*local.Store, error) {
	dir := j.spool(p)
	store, err := local.Open(dir)
	if errors.Is(err, index.ErrNotFound) {
		store, err = local.Create(dir, local.Options{Dim: j.Dim, Space: space.Space{Name: j.BundleName, Fingerprint: j.Bundle}})
	}
	return store, err
}

// gather brings the spool in line with the shards of the pair, and returns the
// rows that could not be embedded.
func (j Job) gather(ctx context.Context, p *pair, store *local.Store, meter *meter, report *Report) (bad []ingest.Bad, err error) {
	ledger, err := ingest.OpenLedger(j.spool(p))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	job := ingest.Job{
		Shards: ordered(p.source, j.Set), Encoder: j.Encoder, Store: store, Ledger: ledger,
		Batch: j.Batch, Progress: meter.set,
	}
	done, err := job.Run(ctx)
	report.Encoded += done.Encoded
	if err != nil {
		return nil, err
	}
	return ledger.Bad()
}

// publish writes the rows of the spool as the files of the pair. They get their
// names after the plan knows that the pair is finished, so that a pair that is
// there is a finished one. It returns all rows that are in no pair.
func (j Job) publish(ctx context.Context, all *plan, p *pair, store *local.Store, bad []ingest.Bad) (_ []ingest.Bad, err error) {
	info, err := store.Info(ctx)
	if err != nil {
		return nil, err
	}
	writer, err := laion.Create(j.Dir, laion.WriterOptions{
		Dim: j.Dim, Sets: []laion.Set{j.Set}, Float32: j.Float32,
		First: p.number, RowsPerFile: info.Count + 1, // so that Close publishes
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, writer.Discard()) }()
	for item, err := range store.All(ctx) {
		if err != nil {
			return nil, err
		}
		n := int(item.ID & (1<<rowBits - 1))
		name := fmt.Sprintf("%s row %d", p.Shards[item.ID>>rowBits].Name, n)
		switch err := writer.Append(columns(item.Payload, name), item.Vector); {
		case errors.Is(err, parquet.ErrPayload):
			bad = append(bad, ingest.Bad{Row: n, Name: name, Reason: err.Error()})
		case err != nil:
			return nil, err
		default:
			p.Rows++
		}
	}
	if err := j.writeBad(p, bad); err != nil {
		return nil, err
	}
	p.Finished, p.Bad = true, len(bad)
	if err := all.write(j.Dir); err != nil {
		return nil, err
	}
	return bad, writer.Close()
}

// writeBad writes what is not in the pair, a JSON object per line, where there
// is any.
func (j Job) writeBad(p *pair, bad []ingest.Bad) error {
	path := filepath.Join(j.Dir, "bad", fmt.Sprintf("bad_%04d.jsonl", p.number))
	if len(bad) == 0 {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return vfs.WriteFile(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for _, b := range bad {
			if err := enc.Encode(b); err != nil {
				return err
			}
		}
		return nil
	})
}
