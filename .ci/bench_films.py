"""The films of the benchmark."""
import json
import os
import random
import struct
import subprocess

FILMS = 8
HEADROOM = 1.05  # [ratelimit] headroom: MuStServ sends so much faster than a film needs


def name(kib):
    """name of the film that is sent at so many KiB/s."""
    return f"{kib}/film.wav"


def steady(folder, rates):
    """steady makes sound of constant rate, such that MuStServ sends it at each
    rate, in KiB/s, and a file that nobody can measure. All are sparse, and in
    memory, so that no server has to wait for them before the others."""
    for kib in set(rates):
        path = os.path.join(folder, name(kib))
        os.makedirs(os.path.dirname(path))
        second = int(kib * 1024 / HEADROOM) // 4 * 4
        size = 60 * second
        with open(path, "wb") as f:
            f.write(b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt ")
            f.write(struct.pack("<IHHIIHH", 16, 1, 2, second // 4, second, 4, 16) + b"data" + struct.pack("<I", size))
            f.truncate(44 + size)
        warm(path)
    os.makedirs(os.path.join(folder, "fast"))
    path = os.path.join(folder, "fast", "big.mkv")
    with open(path, "wb") as f:
        f.truncate(256 << 20)
    warm(path)


def warm(path):
    with open(path, "rb") as f:
        while f.read(1 << 20):
            pass


def varying(folder, seconds):
    """varying makes films of quiet and busy scenes, as an encoder of constant
    quality leaves them, and returns their names. Small pictures of much noise
    take little time to encode. As in real films a busy scene lasts longer than
    any burst: the rate that a film needs is 2 to 3 times its average."""
    size = "s=160x90:r=24"
    scenes = [f"testsrc2={size}", f"mandelbrot={size}", f"testsrc2={size},noise=alls=8:allf=t", f"testsrc2={size},noise=alls=36:allf=t"]
    os.makedirs(os.path.join(folder, "films"), exist_ok=True)
    names = [f"films/{k}.mp4" for k in range(FILMS)]
    for i, name in enumerate(names):
        dice = random.Random(i)  # the same films each time
        inputs, total = [], 0
        while total < seconds:
            length = dice.uniform(6, 25)
            inputs += ["-f", "lavfi", "-t", f"{length:.2f}", "-i", dice.choices(scenes, [5, 3, 2, 2])[0]]
            total += length
        count = inputs.count("-i")
        join = "".join(f"[{k}:v]format=yuv420p,setsar=1[v{k}];" for k in range(count)) + "".join(f"[v{k}]" for k in range(count)) + f"concat=n={count}"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y"] + inputs + ["-filter_complex", join, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "22",
             "-movflags", "+faststart", "-t", str(seconds), os.path.join(folder, name)], stdin=subprocess.DEVNULL, check=True)
    return names


def needs(program, paths):
    """needs returns what MuStServ measures of each file: average and rate in bit/s, burst in bytes."""
    out = subprocess.run([program, "probe", "-json"] + paths, check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["bitrate"] for line in out.splitlines()]
