"""Which publications stand behind the methods and protocols? An explicit table: key -> BibTeX."""

import re
import unicodedata
from dataclasses import dataclass

ACCENTS = {"'": "\N{COMBINING ACUTE ACCENT}", '"': "\N{COMBINING DIAERESIS}"}


@dataclass(frozen=True)
class Paper:
    """A publication, by its BibTeX entry."""

    bibtex: str

    @property
    def text(self) -> str:
        """One line for people: authors by their initials, title, where and when."""
        entry = re.sub(r"\{\\(['\"])(\w)\}", lambda found: found[2] + ACCENTS[found[1]], self.bibtex)
        fields = dict(re.findall(r"^  (\w+) += \{(.*?)\},?$", unicodedata.normalize("NFC", entry), re.M | re.S))
        authors = [author.split(", ") for author in re.split(r"\s+and\s+", fields["author"])]
        names = ", ".join(re.sub(r"(?<=\w)[\w.]+", ".", first) + f" {last}" for last, first in authors)
        title = re.sub("[{}]", "", fields["title"]).replace("`", "'")
        if "journal" not in fields:
            short = re.search(r"\((\w+)\)", fields["booktitle"])
            return f"{names}. {title}. {short[1] if short else fields['booktitle']} {fields['year']}."
        number = f"({fields['number']})" if "number" in fields else ""
        volume = f" {fields['volume']}{number}" if "volume" in fields else ""
        return f"{names}. {title}. {fields['journal']}{volume}, {fields['year']}."


PAPERS: dict[str, Paper] = {
    "tran2021": Paper(
        """@inproceedings{tran2021,
  title     = {Explore Image Deblurring via Encoded Blur Kernel Space},
  author    = {Tran, Phong and Tran, Anh Tuan and Phung, Quynh and Hoai, Minh},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2021}
}""",
    ),
    "kaufman2020": Paper(
        """@inproceedings{kaufman2020,
  title     = {Deblurring using Analysis-Synthesis Networks Pair},
  author    = {Kaufman, Adam and Fattal, Raanan},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2020}
}""",
    ),
    "pham2024": Paper(
        """@inproceedings{pham2024,
  title     = {{Blur2Blur}: Blur Conversion for Unsupervised Image Deblurring on Unknown Domains},
  author    = {Pham, Bang-Dang and Tran, Phong and Tran, Anh and Pham, Cuong and Nguyen, Rang and Hoai, Minh},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2024},
  eprint    = {2403.16205}
}""",
    ),
    "xu2013": Paper(
        """@inproceedings{xu2013,
  title     = {Unnatural {L0} Sparse Representation for Natural Image Deblurring},
  author    = {Xu, Li and Zheng, Shicheng and Jia, Jiaya},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {1107--1114},
  year      = {2013}
}""",
    ),
    "cho2009": Paper(
        """@article{cho2009,
  title   = {Fast Motion Deblurring},
  author  = {Cho, Sunghyun and Lee, Seungyong},
  journal = {ACM Transactions on Graphics},
  volume  = {28},
  number  = {5},
  year    = {2009}
}""",
    ),
    "krishnan2009": Paper(
        """@inproceedings{krishnan2009,
  title     = {Fast Image Deconvolution using Hyper-{Laplacian} Priors},
  author    = {Krishnan, Dilip and Fergus, Rob},
  booktitle = {Advances in Neural Information Processing Systems (NIPS)},
  year      = {2009}
}""",
    ),
    "krishnan2011": Paper(
        """@inproceedings{krishnan2011,
  title     = {Blind Deconvolution Using a Normalized Sparsity Measure},
  author    = {Krishnan, Dilip and Tay, Terence and Fergus, Rob},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {233--240},
  year      = {2011}
}""",
    ),
    "rudin1992": Paper(
        """@article{rudin1992,
  title   = {Nonlinear total variation based noise removal algorithms},
  author  = {Rudin, Leonid I. and Osher, Stanley and Fatemi, Emad},
  journal = {Physica D: Nonlinear Phenomena},
  volume  = {60},
  number  = {1-4},
  pages   = {259--268},
  year    = {1992}
}""",
    ),
    "almeida2013": Paper(
        """@article{almeida2013,
  title   = {Deconvolving Images With Unknown Boundaries Using the Alternating Direction Method of Multipliers},
  author  = {Almeida, Mariana S. C. and Figueiredo, M{\\'a}rio A. T.},
  journal = {IEEE Transactions on Image Processing},
  volume  = {22},
  number  = {8},
  pages   = {3074--3086},
  year    = {2013}
}""",
    ),
    "whyte2012": Paper(
        """@article{whyte2012,
  title   = {Non-uniform Deblurring for Shaken Images},
  author  = {Whyte, Oliver and Sivic, Josef and Zisserman, Andrew and Ponce, Jean},
  journal = {International Journal of Computer Vision},
  volume  = {98},
  number  = {2},
  year    = {2012}
}""",
    ),
    "hirsch2011": Paper(
        """@inproceedings{hirsch2011,
  title     = {Fast Removal of Non-uniform Camera Shake},
  author    = {Hirsch, Michael and Schuler, Christian J. and Harmeling, Stefan and Sch{\\"o}lkopf, Bernhard},
  booktitle = {IEEE International Conference on Computer Vision (ICCV)},
  year      = {2011}
}""",
    ),
    "gupta2010": Paper(
        """@inproceedings{gupta2010,
  title     = {Single Image Deblurring Using Motion Density Functions},
  author    = {Gupta, Ankit and Joshi, Neel and Zitnick, C. Lawrence and Cohen, Michael and Curless, Brian},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2010}
}""",
    ),
    "levin2009": Paper(
        """@inproceedings{levin2009,
  title     = {Understanding and evaluating blind deconvolution algorithms},
  author    = {Levin, Anat and Weiss, Yair and Durand, Fr{\\'e}do and Freeman, William T.},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {1964--1971},
  year      = {2009}
}""",
    ),
    "nah2017": Paper(
        """@inproceedings{nah2017,
  title     = {Deep Multi-Scale Convolutional Neural Network for Dynamic Scene Deblurring},
  author    = {Nah, Seungjun and Kim, Tae Hyun and Lee, Kyoung Mu},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2017}
}""",
    ),
    "nah2019": Paper(
        """@inproceedings{nah2019,
  title     = {{NTIRE} 2019 Challenge on Video Deblurring and Super-Resolution: Dataset and Study},
  author    = {Nah, Seungjun and Baik, Sungyong and Hong, Seokil and Moon, Gyeongsik and Son, Sanghyun and
               Timofte, Radu and Lee, Kyoung Mu},
  booktitle = {CVPR Workshops},
  year      = {2019}
}""",
    ),
    "kingma2014": Paper(
        """@inproceedings{kingma2014,
  title     = {Auto-Encoding Variational {Bayes}},
  author    = {Kingma, Diederik P. and Welling, Max},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2014}
}""",
    ),
    "cho2021": Paper(
        """@inproceedings{cho2021,
  title     = {Rethinking Coarse-to-Fine Approach in Single Image Deblurring},
  author    = {Cho, Sung-Jin and Ji, Seo-Won and Hong, Jun-Pyo and Jung, Seung-Won and Ko, Sung-Jea},
  booktitle = {IEEE/CVF International Conference on Computer Vision (ICCV)},
  year      = {2021}
}""",
    ),
    "isola2017": Paper(
        """@inproceedings{isola2017,
  title     = {Image-to-Image Translation with Conditional Adversarial Networks},
  author    = {Isola, Phillip and Zhu, Jun-Yan and Zhou, Tinghui and Efros, Alexei A.},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2017}
}""",
    ),
    "gulrajani2017": Paper(
        """@inproceedings{gulrajani2017,
  title     = {Improved Training of {Wasserstein} {GANs}},
  author    = {Gulrajani, Ishaan and Ahmed, Faruk and Arjovsky, Martin and Dumoulin, Vincent and Courville, Aaron},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2017}
}""",
    ),
    "zhu2017": Paper(
        """@inproceedings{zhu2017,
  title     = {Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks},
  author    = {Zhu, Jun-Yan and Park, Taesung and Isola, Phillip and Efros, Alexei A.},
  booktitle = {IEEE International Conference on Computer Vision (ICCV)},
  year      = {2017}
}""",
    ),
    "yi2017": Paper(
        """@inproceedings{yi2017,
  title     = {{DualGAN}: Unsupervised Dual Learning for Image-to-Image Translation},
  author    = {Yi, Zili and Zhang, Hao and Tan, Ping and Gong, Minglun},
  booktitle = {IEEE International Conference on Computer Vision (ICCV)},
  year      = {2017}
}""",
    ),
    "johnson2016": Paper(
        """@inproceedings{johnson2016,
  title     = {Perceptual Losses for Real-Time Style Transfer and Super-Resolution},
  author    = {Johnson, Justin and Alahi, Alexandre and Fei-Fei, Li},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2016}
}""",
    ),
    "simonyan2015": Paper(
        """@inproceedings{simonyan2015,
  title     = {Very Deep Convolutional Networks for Large-Scale Image Recognition},
  author    = {Simonyan, Karen and Zisserman, Andrew},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2015}
}""",
    ),
    "dosovitskiy2014": Paper(
        """@inproceedings{dosovitskiy2014,
  title     = {Discriminative Unsupervised Feature Learning with Convolutional Neural Networks},
  author    = {Dosovitskiy, Alexey and Springenberg, Jost Tobias and Riedmiller, Martin and Brox, Thomas},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2014}
}""",
    ),
    "chen2022": Paper(
        """@inproceedings{chen2022,
  title     = {Simple Baselines for Image Restoration},
  author    = {Chen, Liangyu and Chu, Xiaojie and Zhang, Xiangyu and Sun, Jian},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2022}
}""",
    ),
    "zamir2022": Paper(
        """@inproceedings{zamir2022,
  title     = {{Restormer}: Efficient Transformer for High-Resolution Image Restoration},
  author    = {Zamir, Syed Waqas and Arora, Aditya and Khan, Salman and Hayat, Munawar and Khan, Fahad Shahbaz and
               Yang, Ming-Hsuan},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2022}
}""",
    ),
    "zhang2022": Paper(
        """@article{zhang2022,
  title   = {Plug-and-Play Image Restoration with Deep Denoiser Prior},
  author  = {Zhang, Kai and Li, Yawei and Zuo, Wangmeng and Zhang, Lei and Van Gool, Luc and Timofte, Radu},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume  = {44},
  number  = {10},
  pages   = {6360--6376},
  year    = {2022}
}""",
    ),
    "zhang2021": Paper(
        """@inproceedings{zhang2021,
  title     = {Designing a Practical Degradation Model for Deep Blind Image Super-Resolution},
  author    = {Zhang, Kai and Liang, Jingyun and Van Gool, Luc and Timofte, Radu},
  booktitle = {IEEE/CVF International Conference on Computer Vision (ICCV)},
  year      = {2021}
}""",
    ),
    "rim2022": Paper(
        """@inproceedings{rim2022,
  title     = {Realistic Blur Synthesis for Learning Image Deblurring},
  author    = {Rim, Jaesung and Kim, Geonung and Kim, Jungeon and Lee, Junyong and Lee, Seungyong and Cho, Sunghyun},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2022}
}""",
    ),
    "mittal2013": Paper(
        """@article{mittal2013,
  title     = {Making a `Completely Blind' Image Quality Analyzer},
  author    = {Mittal, Anish and Soundararajan, Rajiv and Bovik, Alan C.},
  journal   = {IEEE Signal Processing Letters},
  year      = {2013}
}""",
    ),
}
