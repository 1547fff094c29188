import { execFile } from 'node:child_process';
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached, type Program, unavailable } from './cache.ts';

const VERSION = '2.189.0';
const SDK = `oci==${VERSION}`;
/** What its synchronous part needs. */
const NEEDED =
  'certifi python-dateutil>=2.5.3,<3 pytz urllib3>=2.8 circuitbreaker>=2,<3 cryptography<51 pyOpenSSL>=26.2,<27 PyJWT>=2.15.1 crc32c==2.8'.split(
    ' ',
  );
/** Of its 170 services, half a gigabyte, these are unpacked: one is used, the others are imported by its core. */
const SERVICES = ['object_storage', 'dns', 'work_requests'];
const UNPACK = `
import glob, re, sys, zipfile
archive = zipfile.ZipFile(glob.glob('oci-*.whl')[0])
services = {name.split('/')[1] for name in archive.namelist() if re.match('oci/[^/]+/models/', name)} - set(sys.argv[1:])
archive.extractall('site', [name for name in archive.namelist() if name.split('/')[1] not in services])
`;

const run = promisify(execFile);

/** Python with Oracle's SDK from PyPI: the signer, the reader of configuration files and the client of Object Storage. */
export function ociSdk(): Promise<Program> {
  const source = [SDK, ...NEEDED, ...SERVICES].join(' ');
  return cached({ name: 'oci-sdk', version: VERSION, source, build });
}

async function build(folder: string): Promise<void> {
  const pip = async (...args: readonly string[]): Promise<void> => {
    await run('python3', ['-m', 'pip', ...args, '--quiet'], { cwd: folder }).catch(
      (error: Error) => {
        throw unavailable(
          `the OCI SDK needs python3 with pip and a package index: ${error.message.slice(0, 200)}`,
        );
      },
    );
  };
  await pip('download', '--no-deps', SDK);
  await pip('install', '--no-compile', '--target', 'site', ...NEEDED);
  await run('python3', ['-c', UNPACK, ...SERVICES], { cwd: folder });
  for (const name of await readdir(folder)) if (name.endsWith('.whl')) await rm(join(folder, name));
  const launcher = join(folder, 'oci-sdk');
  await writeFile(
    launcher,
    '#!/bin/sh\nPYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$(dirname "$0")/site" exec python3 "$@"\n',
  );
  await chmod(launcher, 0o755);
  await run(launcher, ['-c', 'import oci; oci.object_storage.ObjectStorageClient']);
}
