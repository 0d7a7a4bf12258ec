package embedfiles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"engram/data/laion"
	"engram/data/parquet"
	"engram/data/vfs"
	"engram/index"
	"engram/index/ingest"
	"engram/index/local"
)

// spool is the folder of the index in which the rows of a pair are gathered.
func (r *run) spool(p *pair) string { return filepath.Join(r.Dir, fmt.Sprintf(".pair-%d", p.number)) }

// embedPair gathers the rows of a pair and publishes it.
func (r *run) embedPair(ctx context.Context, p *pair) (err error) {
	if err := r.reset(p); err != nil {
		return err
	}
	if err := r.plan.write(r.fsys, r.Dir); err != nil {
		return err
	}
	store, err := r.openSpool(p)
	if err != nil {
		return err
	}
	defer func() {
		if e := store.Close(); err == nil {
			err = e
		}
		if err == nil {
			err = r.discardSpool(p)
		}
	}()
	bad, err := r.gather(ctx, p, store)
	if err != nil {
		return err
	}
	if bad, err = r.publish(ctx, p, store, bad); err != nil {
		return err
	}
	r.report.addBad(bad)
	return nil
}

// reset makes the pair an unfinished one. What was gathered is removed if a shard
// has changed since.
func (r *run) reset(p *pair) error {
	changed := false
	for i, s := range p.source {
		changed = changed || p.Shards[i].Fingerprint != s.Fingerprint
		p.Shards[i].Fingerprint = s.Fingerprint
	}
	p.Finished, p.Rows, p.Bad = false, 0, 0
	if !changed {
		return nil
	}
	return r.discardSpool(p)
}

// discarded is the suffix of a spool that is being removed.
const discarded = ".old"

// discardSpool removes the spool of a pair, if there is one. It is renamed first,
// so that no crash leaves a spool with some of its files: a ledger without the
// rows that it names.
func (r *run) discardSpool(p *pair) error {
	old := r.spool(p) + discarded
	err := r.fsys.Rename(r.spool(p), old)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = r.fsys.SyncDir(r.Dir)
	}
	if err == nil {
		err = vfs.RemoveAllFS(r.fsys, old)
	}
	return err
}

func (r *run) openSpool(p *pair) (*local.Store, error) {
	dir := r.spool(p)
	store, err := local.OpenFS(r.fsys, dir)
	if errors.Is(err, index.ErrNotFound) {
		store, err = local.CreateFS(r.fsys, dir, local.Options{Dim: r.Dim, Space: r.Space})
	}
	return store, err
}

// gather brings the spool in line with the shards of the pair, and returns the
// rows that could not be embedded.
func (r *run) gather(ctx context.Context, p *pair, store *local.Store) (bad []ingest.Bad, err error) {
	ledger, err := ingest.OpenLedgerFS(r.fsys, r.spool(p))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	job := ingest.Job{
		Shards: numbered(p.source, r.Set), Encoder: r.Encoder, Store: store, Ledger: ledger,
		Batch: r.Batch, Encoders: r.Encoders, Progress: r.meter.report,
	}
	done, err := job.Run(ctx)
	r.report.Encoded += done.Encoded
	if err != nil {
		return nil, err
	}
	return ledger.Bad()
}

// publish writes the rows of the spool as the files of the pair. The files get
// their names after the plan has recorded that the pair is finished, so that a
// pair that is there is a finished one. It returns bad with the rows that no file
// takes.
func (r *run) publish(ctx context.Context, p *pair, store *local.Store, bad []ingest.Bad) (_ []ingest.Bad, err error) {
	info, err := store.Info(ctx)
	if err != nil {
		return nil, err
	}
	writer, err := laion.Create(r.fsys, r.Dir, laion.WriterOptions{
		Dim: r.Dim, Sets: []laion.Set{r.Set}, Float32: r.Float32,
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
	if err := r.writeBad(p, bad); err != nil {
		return nil, err
	}
	p.Finished, p.Bad = true, len(bad)
	if err := r.plan.write(r.fsys, r.Dir); err != nil {
		return nil, err
	}
	return bad, writer.Close()
}

// writeBad writes the list of rows that are not in the pair, a JSON object a line,
// or removes the list of an earlier run where there is none.
func (r *run) writeBad(p *pair, bad []ingest.Bad) error {
	path := filepath.Join(r.Dir, "bad", fmt.Sprintf("bad_%04d.jsonl", p.number))
	if len(bad) == 0 {
		err := r.fsys.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return r.fsys.SyncDir(filepath.Dir(path))
	}
	if err := vfs.MkdirAllFS(r.fsys, filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return vfs.WriteFileFS(r.fsys, path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for _, b := range bad {
			if err := enc.Encode(b); err != nil {
				return err
			}
		}
		return nil
	})
}
