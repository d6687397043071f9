"""The films of the benchmark."""
import json
import os
import random
import struct
import subprocess

HEADROOM = 1.05  # [ratelimit] headroom: MuStServ sends so much faster than a film needs


def name(kib):
    """name of the film that is sent at so many KiB/s."""
    return f"{kib}/film.wav"


def steady(folder, rates):
    """steady makes sound of constant rate, such that MuStServ sends it at each
    rate, in KiB/s, and a file that nobody can measure. All are sparse."""
    for kib in set(rates):
        path = os.path.join(folder, name(kib))
        os.makedirs(os.path.dirname(path))
        second = int(kib * 1024 / HEADROOM) // 4 * 4
        size = 60 * second
        with open(path, "wb") as f:
            f.write(b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt ")
            f.write(struct.pack("<IHHIIHH", 16, 1, 2, second // 4, second, 4, 16) + b"data" + struct.pack("<I", size))
            f.truncate(44 + size)
    os.makedirs(os.path.join(folder, "fast"))
    with open(os.path.join(folder, "fast", "big.mkv"), "wb") as f:
        f.truncate(256 << 20)


def varying(folder, seconds):
    """varying makes films of quiet and busy scenes, as an encoder of constant
    quality leaves them: of 0.5 to 3 Mbit/s, of which a film has few. It returns
    their names."""
    size = "s=480x270:r=24"
    scenes = [f"testsrc2={size}", f"mandelbrot={size}"] + [f"testsrc2={size},noise=alls={n}:allf=t" for n in (12, 13, 14, 16)]
    os.makedirs(os.path.join(folder, "films"), exist_ok=True)
    names, running = [], []
    for i in range(3):
        dice = random.Random(i)
        inputs, total = [], 0
        while total < seconds:
            length = dice.uniform(3, 10)
            inputs += ["-f", "lavfi", "-t", f"{length:.2f}", "-i", dice.choices(scenes, [4, 3, 3, 2, 1, 1])[0]]
            total += length
        count = inputs.count("-i")
        join = "".join(f"[{k}:v]format=yuv420p,setsar=1[v{k}];" for k in range(count)) + "".join(f"[v{k}]" for k in range(count)) + f"concat=n={count}"
        names.append(f"films/{'abc'[i]}.mp4")
        running.append(subprocess.Popen(
            ["ffmpeg", "-v", "error", "-y"] + inputs + ["-filter_complex", join, "-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-threads", "1",
             "-movflags", "+faststart", os.path.join(folder, names[-1])], stdin=subprocess.DEVNULL))
    if any(p.wait() for p in running):
        raise SystemExit("ffmpeg made no film")
    return names


def needs(program, paths):
    """needs returns what MuStServ measures of each file: average and rate in bit/s, burst in bytes."""
    out = subprocess.run([program, "probe", "-json"] + paths, check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["bitrate"] for line in out.splitlines()]
