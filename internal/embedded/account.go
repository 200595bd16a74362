package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is whom PostgreSQL runs as. It refuses to run as root, so root hands
// it to an unprivileged user; everybody else runs it as themselves.
type account struct {
	uid, gid uint32
	name     string
	switched bool // not ourselves
}

// chooseAccount picks the owner of data that is already there, else "postgres",
// else "nobody", else uid 65534. (Other services may run as nobody too and can
// then read the files: have a postgres user where that matters.)
func chooseAccount(dataDir string) (account, error) {
	self := account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid()), name: "uid " + strconv.Itoa(os.Geteuid())}
	owner, found := ownerOf(dataDir)
	if self.uid != 0 {
		if found && owner.uid != self.uid {
			return account{}, fmt.Errorf("embedded: the database in %s belongs to %s, this process runs as %s; run it as that user (or root), or choose another folder (LATCHKEY_STATE)", dataDir, owner.name, self.name)
		}
		return self, nil
	}
	if found && owner.uid != 0 {
		return owner, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return account{uid: uint32(uid), gid: uint32(gid), name: "user " + name, switched: true}, nil
		}
	}
	return account{uid: 65534, gid: 65534, name: "uid 65534", switched: true}, nil
}

func ownerOf(path string) (account, bool) {
	fi, err := os.Stat(path)
	if err != nil {
		return account{}, false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return account{}, false
	}
	return account{uid: st.Uid, gid: st.Gid, name: "uid " + strconv.FormatUint(uint64(st.Uid), 10), switched: true}, true
}

// sysProcAttr starts a command as the account, in a process group of its own.
func (a account) sysProcAttr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.switched {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// own makes the account the owner of a path of ours. It does not follow symbolic links.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	if err := os.Lchown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("embedded: make %s the owner of %s: %w", a.name, path, err)
	}
	return nil
}

// canReach checks that the account may enter every folder on the way to path,
// path itself included, as far as they exist. It asks the kernel, as that user,
// so access lists and the like count. The error names the folder in the way.
func (a account) canReach(ctx context.Context, path string) error {
	if !a.switched {
		return nil
	}
	var chain []string
	for p := path; ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); err == nil {
			chain = append([]string{p}, chain...)
		}
		if p == filepath.Dir(p) {
			break
		}
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", `for d; do [ -x "$d" ] || { printf %s "$d"; exit 9; }; done`, "sh"}, chain...)...)
	cmd.Dir = "/"
	cmd.Env = childEnv("/")
	cmd.SysProcAttr = a.sysProcAttr()
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 9 {
		return fmt.Errorf("embedded: PostgreSQL cannot run as root, so it runs as %s, who may not enter %s; choose a folder elsewhere (LATCHKEY_STATE, say %s), or run latchkey as an ordinary user: %w", a.name, out, rootStateDir, fs.ErrPermission)
	}
	if ctx.Err() != nil {
		err = ctx.Err() // the check was ended, and that is how
	}
	if err != nil {
		return fmt.Errorf("embedded: check whether %s can reach %s: %w", a.name, path, err)
	}
	return nil
}
